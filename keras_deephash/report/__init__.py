"""A page about a preset: what it measures, what it finds, and its codes."""

from keras_deephash.report.report import make_report

__all__ = ["make_report"]
