"""HTML pages about presets: their metrics, their neighbours and their codes."""

from keras_deephash.report.comparison import comparison_page, measure
from keras_deephash.report.report import make_report

__all__ = ["comparison_page", "make_report", "measure"]
