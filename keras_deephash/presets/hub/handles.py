"""Handles of presets on the Hugging Face Hub."""

import re
from dataclasses import dataclass

from keras_deephash.presets.errors import PresetError

PREFIX = "hf://"
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_MAX_LENGTH = 96  # Of organization and name, by the rules of the Hub.
_REVISION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./+-]*")
_MAX_REVISION = 200  # Characters; it is the name of a file in the cache.


@dataclass(frozen=True)
class HubHandle:
    """A repository of the Hub, at a revision.

    Attributes:
        repo_id: str, `"org/name"`.
        revision: str or None, a branch, a tag or a commit. None is the branch
            `main`.
    """

    repo_id: str
    revision: str | None = None

    @property
    def commit(self) -> str | None:
        """The revision, if it is a whole commit, which never changes."""
        return self.revision if is_digest(self.revision) else None

    @property
    def name(self) -> str:
        """The repository's name without its organization."""
        return self.repo_id.rpartition("/")[2]

    def __str__(self) -> str:
        return PREFIX + self.repo_id + (f"@{self.revision}" if self.revision else "")


def is_digest(text) -> bool:
    """Whether something is the name that git, or its storage, gives to content.

    40 or 64 hexadecimal digits: nothing else may become a path in the cache.
    """
    return isinstance(text, str) and bool(_DIGEST.fullmatch(text))


def is_hub_handle(preset: str) -> bool:
    """Whether a string stands for a preset on the Hub, rightly written or not."""
    return preset.startswith("hf:")


def parse_hub_handle(handle: str, revision: str | None = None) -> HubHandle:
    """Reads `hf://org/name` and `hf://org/name@revision`.

    Args:
        handle: str.
        revision: str. A revision given apart; it must not contradict the handle.
            Defaults to `None`.

    Raises:
        PresetError: if it is not such a handle.
    """
    repo_id, _, own = handle.removeprefix(PREFIX).partition("@")
    parts = repo_id.split("/")
    # `..` and `--` have a meaning in the paths of the cache.
    clear = not re.search(r"\.\.|--", repo_id)
    clear = clear and not repo_id.endswith((".", "-", ".git"))
    short = len(repo_id) <= _MAX_LENGTH
    valid = len(parts) == 2 and all(map(_NAME.fullmatch, parts)) and clear and short
    if not (handle.startswith(PREFIX) and valid):
        raise PresetError(
            "A preset on the Hub is named hf://org/name or hf://org/name@revision. "
            f"Received: {handle[:120]!r}."
        )
    if own and revision and own != revision:
        raise PresetError(
            "The revision is given twice. Leave one of them out. "
            f"Received: {handle[:120]!r}, revision={str(revision)[:80]!r}."
        )
    revision = own or revision
    if "@" in handle and not own or revision is not None and not is_revision(revision):
        raise PresetError(
            "`revision` must be the name of a branch, a tag or a commit. "
            f"Received: revision={str(own if '@' in handle else revision)[:80]!r}."
        )
    return HubHandle(repo_id, revision)


def is_revision(revision: str) -> bool:
    """Whether a string can be a branch, a tag or a commit, and nothing else."""
    return (
        isinstance(revision, str)
        and len(revision) <= _MAX_REVISION
        and bool(_REVISION.fullmatch(revision))
        and not re.search(r"\.\.|//|/$", revision)
    )
