"""The error of a preset that cannot be used."""


class PresetError(ValueError):
    """A preset is missing, damaged, too new or does not fit; the text says which."""
