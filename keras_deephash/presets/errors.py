"""Errors of presets and of the Hub."""


class PresetError(ValueError):
    """A preset is missing, damaged, too new or does not fit; the text says which."""


class HubError(PresetError):
    """The Hugging Face Hub does not give or take a preset; the text says why.

    Attributes:
        temporary: bool. Whether another attempt may succeed.
        unreachable: bool. Whether the Hub gave no usable answer, so that a copy in
            the cache may stand in.
    """

    def __init__(
        self, message: str, temporary: bool = False, unreachable: bool = False
    ):
        super().__init__(message)
        self.temporary = temporary
        self.unreachable = unreachable

    @property
    def passing(self):
        """The former name of `temporary`."""
        raise AttributeError("`HubError.passing` is called `temporary` now.")
