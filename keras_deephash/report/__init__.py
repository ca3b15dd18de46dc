"""Pages about presets: what they measure, what they find, and their codes."""

from keras_deephash.report.comparison import comparison_page, measure
from keras_deephash.report.report import make_report

__all__ = ["comparison_page", "make_report", "measure"]
