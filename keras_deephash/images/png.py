"""PNG files without the text and the profiles that Pillow refuses to read."""

import io
import struct
from typing import IO

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_XMP = b"XML:com.adobe.xmp\0\0"  # Uncompressed; may say how the photo is turned.


def without_annotations(stream: IO[bytes]) -> IO[bytes] | None:
    """The same picture without text and colour profile; None if it is not a PNG.

    Pillow refuses images with text or profiles beyond 1 MB, as a possible attack.
    """
    stream.seek(0)
    data = stream.read()
    if not data.startswith(_SIGNATURE):
        return None
    kept, place = [_SIGNATURE], len(_SIGNATURE)
    while place + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        end = place + 12 + length
        annotation = kind in (b"tEXt", b"zTXt", b"iCCP") or (
            kind == b"iTXt" and not data.startswith(_XMP, place + 8)
        )
        if not annotation:
            kept.append(data[place:end])
        place = end
    return io.BytesIO(b"".join(kept))
