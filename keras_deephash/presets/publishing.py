"""The publishing of a preset on the Hugging Face Hub."""

import os
import tempfile
import warnings

from keras_deephash.presets.errors import HubError, PresetError
from keras_deephash.presets.format import metadata as md
from keras_deephash.presets.hub.card import is_unedited
from keras_deephash.presets.hub.digests import Blob
from keras_deephash.presets.hub.download import TIMEOUT
from keras_deephash.presets.hub.explain import explain
from keras_deephash.presets.hub.handles import (
    HubHandle,
    is_digest,
    parse_hub_handle,
)
from keras_deephash.presets.hub.limits import limit_client
from keras_deephash.presets.hub.listing import fetch_listing
from keras_deephash.presets.hub.reader import LIBRARY, HubReader
from keras_deephash.presets.upload_files import prepare_upload

# Seconds; a commit of large files is not confirmed at once.
SILENCE = 30
CARD_SECONDS = 60  # For a card that is there already.


def upload_preset(
    uri: str,
    preset: str | os.PathLike,
    private: bool = False,
    revision: str | None = None,
    commit_message: str = "Publish the preset",
    create_pr: bool = False,
    token: str | bool | None = None,
    endpoint: str | None = None,
    license: str | None = None,
    keep_paths: bool = False,
) -> str:
    """Publishes a preset on the Hugging Face Hub, in one commit.

    The preset is loaded first, as it would be from the Hub. Its files and a model card
    are sent, and nothing else of the directory, which is not changed. The card is made
    from the metadata, unless the README of the directory was edited, which is sent
    then; a card that was edited on the Hub is kept. Absolute paths, which tell about
    the author's computer, are shortened in what is sent; a warning lists what is left.

    Args:
        uri: str. `"hf://org/name"`; the repository is created if need be.
        preset: str. Directory or name of a preset, as `save_to_preset` writes it.
        private: bool. Whether a new repository is private. Defaults to `False`.
        revision: str. Branch to commit to, created if need be. Defaults to `main`.
        commit_message: str.
        create_pr: bool. Whether to open a pull request in place of committing.
            Defaults to `False`.
        token: str. Access token with the right to write. Defaults to the one that
            `hf auth login` stored.
        endpoint: str. URL of the Hub. Defaults to `HF_ENDPOINT`, or
            `https://huggingface.co`.
        license: str. Identifier of the licence of the weights, such as
            `"apache-2.0"`, for the card. Defaults to `None`, not stated.
        keep_paths: bool. Whether the absolute paths of the training's record and of the
            index's names are sent as they are, in place of their last parts and of
            names relative to their folder. Defaults to `False`.

    Returns:
        str, the commit: `from_preset(uri, revision=commit)` loads exactly this.

    Raises:
        PresetError: if the preset cannot be loaded.
        HubError: a `PresetError`, if the Hub does not take it; nothing is half
            published then.

    Example:

    >>> model.save_to_preset("my_dch")
    >>> commit = keras_deephash.upload_preset("hf://me/my_dch", "my_dch")
    >>> model = keras_deephash.from_preset("hf://me/my_dch", revision=commit)
    """
    handle = parse_hub_handle(uri, revision)
    if handle.commit:
        raise PresetError(
            "A preset is published on a branch, not on a commit. "
            f"Received: {str(handle)!r}."
        )
    if not commit_message:
        raise ValueError("`commit_message` must not be empty.")
    files, card = prepare_upload(handle, preset, license, keep_paths)
    try:
        with limit_client(handle, SILENCE):
            return _send(
                handle, files, card, private, commit_message, create_pr, token, endpoint
            )
    except Exception as error:
        raise explain(error, handle, publishing=True) from None


def _send(
    handle: HubHandle,
    files: dict[str, str | bytes],
    card: str,
    private: bool,
    commit_message: str,
    create_pr: bool,
    token,
    endpoint: str | None,
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import RepositoryNotFoundError

    api = HfApi(endpoint=endpoint, token=token, library_name=LIBRARY)
    reader = HubReader(handle, token, endpoint, SILENCE)
    branch = handle.revision or "main"
    try:
        reader.commit("main", silence=TIMEOUT)
    except RepositoryNotFoundError:
        api.create_repo(handle.repo_id, private=private, exist_ok=True)
    if branch != "main" and not branch.startswith("refs/"):
        api.create_branch(handle.repo_id, branch=branch, exist_ok=True)
    parent = reader.commit(branch, silence=TIMEOUT)
    present = fetch_listing(reader, parent, (md.README_FILE, md.INDEX_FILE))
    operations = [
        CommitOperationAdd(path_in_repo=name, path_or_fileobj=content)
        for name, content in files.items()
    ]
    if md.INDEX_FILE in present and md.INDEX_FILE not in files:
        # An index that was taken out of the preset would stay public.
        operations.append(CommitOperationDelete(path_in_repo=md.INDEX_FILE))
    theirs = None
    if md.README_FILE in present:
        theirs = _read_card(reader, parent, present[md.README_FILE])
    if theirs is None or is_unedited(theirs):
        operations.append(
            CommitOperationAdd(
                path_in_repo=md.README_FILE, path_or_fileobj=card.encode()
            )
        )
    elif theirs != card:
        warnings.warn(
            f"The {md.README_FILE} of `{handle.repo_id}` was edited and is kept. "
            "Delete it there to have a new one.",
            stacklevel=4,
        )
    with warnings.catch_warnings():
        # The client's own warning, which it shows twice in each upload.
        warnings.filterwarnings("ignore", "Use 'content=", DeprecationWarning)
        commit = api.create_commit(
            handle.repo_id,
            operations,
            commit_message=commit_message,
            revision=branch,
            create_pr=create_pr,
            # A commit by others in the meantime is not overwritten.
            parent_commit=parent,
        )
    if not is_digest(commit.oid):
        raise HubError(
            f"The Hub gives the commit of `{handle}` a name that is not one. Received: "
            f"{str(commit.oid)[:80]!r}. Look at the repository, and check `endpoint`."
        )
    return commit.oid


def _read_card(reader: HubReader, commit: str, blob: Blob) -> str:
    """The README of a repository; empty if it is longer than any card of ours."""
    if blob.size > md.MAX_JSON_BYTES:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, md.README_FILE)
        reader.copy(reader.url(commit, md.README_FILE), path, blob.size, CARD_SECONDS)
        if not blob.is_in(path):
            raise HubError("The card on the Hub arrived damaged. Publish again.")
        # What is not text is not a card of ours, and kept as an edited one.
        with open(path, encoding="utf-8", errors="replace", newline="") as file:
            return file.read()
