"""The parts of an HTML page that needs no other file and runs no script.

All text is escaped here, so that a label or a path is never read as HTML, nor as a
character that cannot be shown.
"""

import base64
import html
import io

from PIL import Image

from keras_deephash.images import read_image
from keras_deephash.text import printable

_DPI = 144
_THUMBNAIL = 72  # Pixels.

# A page loads nothing, not even one that was tampered with.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
  max-width: 1120px; margin: 2em auto; padding: 0 1em; overflow-wrap: anywhere; }
h1 { margin-bottom: 0; } h2 { margin-top: 2em; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { text-align: left; padding: .25em 1.5em .25em 0; vertical-align: top;
  border-bottom: 1px solid #eee; font-variant-numeric: tabular-nums; }
th { font-weight: normal; color: #555; } thead th { font-weight: 600; color: #222; }
figure { margin: 0; } .pictures { display: flex; flex-wrap: wrap; gap: 1em; }
.pictures img { max-width: 100%; height: auto; }
.neighbors { display: flex; gap: 8px; overflow-x: auto; margin-bottom: 14px; }
.neighbors figure { flex: 0 0 82px; font-size: 12px; line-height: 1.35; }
.neighbors img { width: 72px; height: 72px; border: 4px solid #222;
  object-fit: contain; background: #eee; image-rendering: pixelated; }
.neighbors .query { margin-right: 12px; }
.neighbors .hit img { border-color: #28a046; } .hit b { color: #1c7a33; }
.neighbors .miss img { border-color: #cd3232; border-style: dashed; }
.miss b { color: #b02626; }
.copies { display: flex; flex-wrap: wrap; gap: 12px; }
.copies figure { flex: 0 0 152px; font-size: 12px; line-height: 1.35; }
.copies img { width: 144px; height: 144px; border: 4px solid #ddd;
  object-fit: contain; background: #eee; }
.copies .keep img { border-color: #28a046; } .keep b { color: #1c7a33; }
"""


def document(title: str, parts: list[str]) -> str:
    """A whole page of parts that are HTML."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            f"<h1>{escape(title)}</h1>",
            *parts,
            "</body>",
            "</html>",
            "",
        ]
    )


def escape(text: str) -> str:
    """A text as HTML shows it."""
    return html.escape(printable(text))


def heading(text: str) -> str:
    return f"<h2>{escape(text)}</h2>"


def paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def table(rows: list[tuple], header: tuple[str, ...] = ()) -> str:
    """Rows of texts and numbers, the first of each row its name."""
    lines = ["<table>"]
    if header:
        cells = "".join(f'<th scope="col">{escape(text)}</th>' for text in header)
        lines.append(f"<thead><tr>{cells}</tr></thead>")
    lines.append("<tbody>")
    for name, *values in rows:
        cells = "".join(f"<td>{value_text(value)}</td>" for value in values)
        lines.append(f'<tr><th scope="row">{escape(str(name))}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>", "</table>"])


def value_text(value) -> str:
    """A value of a table; of a number all digits are kept for machines."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return escape(str(value))
    text = f"{value:.4f}" if isinstance(value, float) else str(value)
    return f'<data value="{value!r}">{text}</data>'


def pictures(figures: list[tuple]) -> str:
    """Figures of matplotlib and what they show, side by side."""
    parts = ['<div class="pictures">']
    for figure, text in figures:
        file = io.BytesIO()
        # Without the version of matplotlib, which would change the page.
        figure.savefig(file, format="png", dpi=_DPI, metadata={"Software": None})
        width, height = (round(96 * inches) for inches in figure.get_size_inches())
        size = f'width="{width}" height="{height}"'
        parts.append(f"<figure>{image_tag(file.getvalue(), text, size)}</figure>")
    return "\n".join([*parts, "</div>"])


def neighbor_row(tiles: list[tuple]) -> str:
    """A query and its neighbours, `(kind, image, texts, name)` each.

    `kind` is "query", "hit" or "miss"; a tick and a cross are for readers who cannot
    tell green from red.
    """
    marks = {"query": "query", "hit": "\N{CHECK MARK}", "miss": "\N{BALLOT X}"}
    parts = ['<div class="neighbors">']
    for kind, image, texts, name in tiles:
        lines = "<br>".join(escape(text) for text in texts)
        parts.append(
            f'<figure class="{kind}" title="{escape(name)}">'
            f"{image_tag(thumbnail(image), f'{kind}: {texts[-1]}')}"
            f"<figcaption><b>{marks[kind]}</b> {lines}</figcaption></figure>"
        )
    return "\n".join([*parts, "</div>"])


def thumbnail(image, size: int = _THUMBNAIL) -> bytes:
    """The PNG of an image, made smaller where it is larger than `size` pixels."""
    picture = Image.fromarray(read_image(image))
    picture.thumbnail((size, size))
    file = io.BytesIO()
    picture.save(file, format="png")
    return file.getvalue()


def image_tag(png: bytes, text: str, size: str = "") -> str:
    """A PNG inside of the page, and what it shows."""
    data = base64.b64encode(png).decode()
    return f'<img {size} alt="{escape(text)}" src="data:image/png;base64,{data}">'
