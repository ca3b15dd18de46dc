"""Training by a record of options: data, model, optimizer, evaluation."""

import keras_deephash.keras_backend  # noqa: F401 - checked first
