"""The options of an index in Milvus."""

from keras_deephash.checks import check_integer, check_number

DEFAULT_LISTS = 1024
KINDS = ("flat", "ivf")
MAX_RETRY_SECONDS = 3600  # A saved index, maybe from a stranger, holds the number.


def check_options(kind: str, options: dict) -> dict:
    """All options, defaults included, or a ValueError.

    Args:
        kind: `"flat"` or `"ivf"`.
        options: dict of
            uri: str. Where the server is, `"http://host:19530"`, with `/name` behind
                for another database than the default.
            collection: str. A new one, or one that holds codes of the same model.
            lists: int. Lists of `"ivf"` in each of Milvus's segments, of a new
                collection. Defaults to `1024`.
            probes: int. Lists a search looks into. Defaults to one in 32.
            retry_seconds: float. How long a call waits for a server that went away
                before it is an error, at most an hour. Defaults to `60`; a server
                needs half a minute to start again.
    """
    if kind not in KINDS:
        raise ValueError(
            f"`kind` of an index in Milvus must be one of {KINDS}. "
            f"Received: kind={kind!r}."
        )
    defaults = dict.fromkeys(("uri", "collection", "lists", "probes"))
    defaults["retry_seconds"] = 60.0
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise ValueError(
            f'`backend="milvus"` has no option `{unknown[0]}`. Its options: '
            f"{', '.join(defaults)}, token. Received: {sorted(options)}."
        )
    options = {**defaults, **options}
    name = options["collection"]
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        raise ValueError(
            "`collection` must be a name of letters, digits and underscores. "
            f"Received: collection={name!r}."
        )
    if check_number("retry_seconds", options["retry_seconds"]) > MAX_RETRY_SECONDS:
        raise ValueError(
            f"`retry_seconds` must be at most {MAX_RETRY_SECONDS}. "
            f"Received: retry_seconds={options['retry_seconds']!r}."
        )
    for name in ("lists", "probes"):
        value = options[name]
        if value is None:
            continue
        if kind != "ivf":
            raise ValueError(f'`{name}` is an option of `kind="ivf"` alone.')
        options[name] = check_integer(name, value, minimum=1)
    if kind == "ivf":
        options["lists"] = options["lists"] or DEFAULT_LISTS
    return options
