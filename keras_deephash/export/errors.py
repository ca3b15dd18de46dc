"""The error for exported files that cannot be read."""


class ExportFileError(ValueError):
    """An exported file cannot be opened: the text says why, and what to do."""
