"""Training by a record of options: data, model, optimizer, evaluation."""
