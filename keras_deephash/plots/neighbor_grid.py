"""Pictures of queries and their neighbours."""

from math import ceil

from PIL import Image, ImageDraw, ImageFont

from keras_deephash.images import read_image

GREEN, RED, GREY = (40, 160, 70), (205, 50, 50), (120, 120, 120)
TITLES = "query", "neighbours, nearest first"


def draw_neighbors(
    queries: list,
    neighbors: list[list],
    hits: list[list[bool]] | None = None,
    captions: list[list[str]] | None = None,
    tile: int = 72,
    titles: tuple[str, str] | None = TITLES,
) -> Image.Image:
    """Draws one row for each query: the query, then its neighbours, nearest first.

    Args:
        queries: list of images: paths, PIL images or arrays [h, w, 3]; or an array
            [queries, h, w, 3].
        neighbors: list of lists of images, one list for each query, `None` for one
            that is missing; or an array [queries, k, h, w, 3].
        hits: list of lists of bool, as long as `neighbors`: relevant neighbours are
            framed green with a tick, others red with a cross. Defaults to `None`, all
            frames grey.
        captions: list of lists of str below the neighbours, such as distances.
            Defaults to `None`.
        tile: int. Height and width of an image in pixels. Defaults to `72`.
        titles: tuple of two str above the queries and above their neighbours, or
            `None` for none. Defaults to `("query", "neighbours, nearest first")`.

    Returns:
        `PIL.Image.Image`.

    Raises:
        ValueError: if there is no query, the lists differ in length or `titles` are
            not two.

    Example:

    >>> draw_neighbors(["cat.jpg"], [["dog.jpg", "cat2.jpg"]], [[False, True]])
    """
    if not len(queries) or len(neighbors) != len(queries):
        raise ValueError(
            "`queries` must hold at least one image and `neighbors` one list "
            f"for each query. Received: {len(queries)} queries, {len(neighbors)} lists."
        )
    for name, rows in (("hits", hits), ("captions", captions)):
        if rows is not None and [len(row) for row in rows] != [
            len(row) for row in neighbors
        ]:
            raise ValueError(
                f"`{name}` must be lists of the same lengths as `neighbors`. Received: "
                f"{[len(row) for row in rows]} and {[len(row) for row in neighbors]}."
            )
    if titles is not None and (
        not isinstance(titles, tuple | list)
        or [type(title) for title in titles] != [str, str]
    ):
        raise ValueError(
            "`titles` must be two str, for the queries and for their neighbours, or "
            f"None. Received: {titles!r}."
        )
    frame, gap = 4, 6
    header = gap if titles is None else 22
    cell = tile + 2 * frame + gap
    row = cell + (0 if captions is None else 14)
    columns = 1 + max(len(images) for images in neighbors)
    width = columns * cell + 2 * gap
    places = _places(titles or (), gap, cell)
    # Few columns may be narrower than what stands above them.
    width = max([width, *(right + gap for _, right in places)])
    picture = Image.new("RGB", (width, len(queries) * row + header + gap), "white")
    draw = ImageDraw.Draw(picture)
    for title, (left, _) in zip(titles or (), places, strict=True):
        draw.text((left, 5), title, fill="black")

    def paste(image, left, top, color):
        size = tile + 2 * frame
        draw.rectangle((left, top, left + size - 1, top + size - 1), fill=color)
        if image is None:
            _draw_missing(draw, left + frame, top + frame, tile)
            return
        pixels = Image.fromarray(read_image(image))
        # Small images stay crisp when they are enlarged.
        small = max(pixels.size) < tile
        method = Image.Resampling.NEAREST if small else Image.Resampling.BILINEAR
        picture.paste(pixels.resize((tile, tile), method), (left + frame, top + frame))

    for i, query in enumerate(queries):
        top = header + i * row
        paste(query, gap, top, "black")
        for j, neighbor in enumerate(neighbors[i]):
            left = 2 * gap + (j + 1) * cell
            color = GREY if hits is None else GREEN if hits[i][j] else RED
            paste(neighbor, left, top, color)
            if hits is not None:
                _draw_mark(draw, left, top, color, hits[i][j])
            if captions is not None:
                position = (left + frame, top + tile + 2 * frame)
                draw.text(position, str(captions[i][j]), fill="black")
    return picture


def _places(titles: tuple, gap: int, cell: int) -> list[tuple[int, int]]:
    """Where titles begin and end: above their columns, but not one in another."""
    font, places, left = ImageFont.load_default(), [], gap
    for title in titles:
        right = left + ceil(font.getlength(title))
        places.append((left, right))
        left = max(2 * gap + cell, right + gap)
    return places


def _draw_missing(draw: ImageDraw.ImageDraw, left: int, top: int, tile: int) -> None:
    """A light tile with its diagonals, in place of an image."""
    right, bottom = left + tile - 1, top + tile - 1
    draw.rectangle((left, top, right, bottom), fill="white")
    draw.line((left, top, right, bottom), fill=GREY)
    draw.line((left, bottom, right, top), fill=GREY)
    draw.text((left + 4, top + tile // 2 - 6), "missing", fill="black")


def _draw_mark(draw: ImageDraw.ImageDraw, left: int, top: int, color, hit: bool):
    """A tick or a cross in a corner, for readers who cannot tell green from red."""
    draw.rectangle((left, top, left + 14, top + 14), fill=color)
    if hit:
        strokes = [((3, 7), (6, 10), (11, 4))]
    else:
        strokes = [((4, 4), (10, 10)), ((4, 10), (10, 4))]
    for stroke in strokes:
        points = [(left + x, top + y) for x, y in stroke]
        draw.line(points, fill="white", width=2)
