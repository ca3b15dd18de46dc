"""Errors of the Hub's client, with what to do.

The client sits on `httpx` or `httpx2`, so its errors are told by their status and by
the names of their classes.
"""

import errno
import re

from keras_deephash.presets.errors import HubError
from keras_deephash.presets.hub.handles import HubHandle

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOT_WRITABLE = (
    errno.EACCES,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
)


def explain(
    error: BaseException, handle: HubHandle, publishing: bool = False
) -> HubError:
    """The `HubError` for an error that the client raised.

    Args:
        error: exception.
        handle: `HubHandle`.
        publishing: bool. Whether the preset was being published.
    """
    from huggingface_hub import errors

    chain = _chain(error)
    for cause in chain:
        if isinstance(cause, HubError):
            return cause
    for cause in chain:
        if isinstance(cause, errors.GatedRepoError):
            return HubError(
                f"`{handle.repo_id}` is gated: accept its conditions on its page on "
                "the Hub, then give `token=`, or log in by `hf auth login`."
            )
        if isinstance(cause, errors.RepositoryNotFoundError):
            return HubError(
                f"There is no repository `{handle.repo_id}` on the Hub, or it is "
                "private. Check the name; for a private one give `token=`, or log in "
                "by `hf auth login`."
            )
        if isinstance(cause, errors.RevisionNotFoundError):
            return HubError(
                f"`{handle.repo_id}` has no revision {handle.revision or 'main'!r}. "
                "Check the branch, the tag or the commit (40 hexadecimal digits)."
            )
        if isinstance(cause, errors.OfflineModeIsEnabled):
            if publishing:
                return HubError("HF_HUB_OFFLINE forbids to publish. Unset it.")
            return HubError(
                f"`{handle}` is not in the cache, and HF_HUB_OFFLINE forbids to fetch "
                "it. Unset that variable, or load it once with a network.",
                unreachable=True,
            )
        if isinstance(cause, OSError) and cause.errno in _NO_ROOM:
            return HubError(
                f"There is no room on the disk for `{handle}`. Free some "
                "(`keras-deephash cache` lists what can go), or give another "
                "`cache_dir`."
            )
    if publishing and str(error).startswith("Invalid metadata in README.md"):
        lines = str(error).splitlines()[1:2]
        return HubError(
            "The Hub refuses the front matter of the README.md: "
            f"{lines[0].removeprefix('- ')[:120] if lines else ''!r}. Correct it, or "
            "remove the file to have a card made."
        )
    responses = [getattr(cause, "response", None) for cause in chain]
    for response in responses:
        if response is not None:
            return explain_status(response, handle)
    names = {name for cause in chain for name in _class_names(cause)}
    if "UnsupportedProtocol" in names or "InvalidURL" in names:
        return HubError(
            "The address of the Hub is not a URL. Give one such as "
            "https://huggingface.co as `endpoint`, or in HF_ENDPOINT."
        )
    if "ConnectError" in names or "ProxyError" in names:
        if publishing:
            return HubError("The Hub cannot be reached. Check the network.")
        return HubError(
            f"`{handle}` is not in the cache, and the Hub cannot be reached. Check the "
            "network, or give the directory of a copy.",
            temporary=True,
            unreachable=True,
        )
    if "TimeoutException" in names:
        return HubError(
            f"The Hub does not answer about `{handle}`. Try again in a few minutes.",
            unreachable=True,
        )
    if "TransportError" in names:
        return HubError(
            f"The connection to the Hub broke off at `{handle}`. Try again.",
            temporary=True,
            unreachable=True,
        )
    for cause in chain:
        if isinstance(cause, OSError) and cause.errno in _NOT_WRITABLE:
            return HubError(
                f"`{handle}` cannot be written to the cache: {cause.strerror}: "
                f"{cause.filename!r}. Give another `cache_dir`, or set HF_HOME."
            )
    if isinstance(error, errors.LocalEntryNotFoundError):
        return HubError(
            f"`{handle}` is not in the cache. Load it once with a network, without "
            "`local_files_only`."
        )
    if isinstance(error, (ValueError, KeyError, TypeError, AssertionError)):
        return HubError(
            f"The Hub gave an answer about `{handle}` that cannot be read. Try again, "
            "or check `endpoint`.",
            temporary=True,
            unreachable=True,
        )
    cause = str(error).partition("\n")[0].rstrip(".")[:120]
    return HubError(
        f"`{handle}` could not be {'published' if publishing else 'fetched'}: "
        f"{cause or type(error).__name__}. Try again.",
        temporary=True,
    )


def is_broken_off(error: BaseException) -> bool:
    """Whether a connection failed or fell silent, so that another may go on."""
    return any("TransportError" in _class_names(cause) for cause in _chain(error))


def explain_status(response, handle: HubHandle) -> HubError:
    """The `HubError` for an answer whose status is an error."""
    status = response.status_code
    if status == 401:
        return HubError(
            f"The Hub refuses the token for `{handle.repo_id}`. Give another `token=`, "
            "or log in by `hf auth login`."
        )
    if status == 403:
        return HubError(
            f"The Hub forbids this for `{handle.repo_id}`. Give a `token=` with the "
            "right to do it, or ask the owner."
        )
    if status == 429:
        after = _seconds_to_wait(response.headers)
        seconds = f" in {after} seconds" if after.isdigit() else " later"
        return HubError(
            f"The Hub limits the number of requests. Try again{seconds}; a `token=` "
            "raises the limit.",
            temporary=not after.isdigit() or int(after) <= 5,
            unreachable=True,
        )
    if status >= 500 or status == 408:
        return HubError(
            f"The Hub does not work at the moment (status {status}). Try again in a "
            "few minutes.",
            temporary=True,
            unreachable=True,
        )
    if status == 412:
        return HubError(
            f"`{handle.repo_id}` has changed in the meantime. Publish again."
        )
    return HubError(
        f"The Hub refuses the request for `{handle}` (status {status}). Check the "
        "handle and `endpoint`."
    )


def _seconds_to_wait(headers) -> str:
    limit = re.search(r";\s*t\s*=\s*(\d+)", headers.get("RateLimit", ""))
    return headers.get("Retry-After", limit[1] if limit else "")


def _chain(error: BaseException) -> list[BaseException]:
    """An error and its causes, the first one raised first."""
    chain = []
    while error is not None and error not in chain:
        chain.insert(0, error)
        error = error.__cause__ or error.__context__
    return chain


def _class_names(error: BaseException) -> list[str]:
    return [cls.__name__ for cls in type(error).__mro__]
