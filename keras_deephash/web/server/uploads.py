"""The bytes of the pictures that clients send: bounded in number, length and time."""

from keras_deephash.web.server.pictures import MAX_BYTES, PictureError

# What is sent is in memory until it is decoded.
AT_ONCE = 16
# A client that stops sending would keep others waiting, and the server from stopping.
IDLE_SECONDS = 10
WHOLE_SECONDS = 120


async def read_body(request) -> bytes:
    """The body of a request, which is a picture.

    Raises:
        PictureError: if it is too long, does not come in time, or not to its end.
    """
    from anyio import fail_after
    from starlette.requests import ClientDisconnect

    try:
        with fail_after(WHOLE_SECONDS):
            return await _read(request)
    except TimeoutError:
        raise PictureError(
            408,
            f"A picture must come within {WHOLE_SECONDS} seconds, with no pause of "
            f"{IDLE_SECONDS}. Send it again, or make it smaller.",
        ) from None
    except ClientDisconnect:  # Nobody reads this; nothing is wrong with the server.
        raise PictureError(400, "The picture did not come to its end.") from None


async def _read(request) -> bytes:
    from anyio import fail_after

    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated) > MAX_BYTES:
        raise _too_long()
    data, parts = bytearray(), request.stream()
    while True:
        with fail_after(IDLE_SECONDS):
            part = await anext(parts, None)
        if part is None:
            return bytes(data)
        data += part
        if len(data) > MAX_BYTES:
            raise _too_long()


def _too_long() -> PictureError:
    return PictureError(
        413, f"A picture may have {MAX_BYTES:,} bytes. Make it smaller."
    )
