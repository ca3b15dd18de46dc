"""The page about groups of copies, and the JSON for programs."""

from collections.abc import Mapping, Sequence

from keras_deephash.duplicates.duplicate_group import DuplicateGroup
from keras_deephash.report import page

# More would make the page too large for a browser; the JSON file has all.
_GROUPS_SHOWN = 300
_IMAGES_SHOWN = 12
_THUMBNAIL = 144  # Pixels.


def duplicates_json(
    groups: Sequence[DuplicateGroup],
    count: int,
    lowest: float,
    unreadable: Mapping[str, str],
) -> dict:
    """Returns the groups as the command writes them in JSON.

    Args:
        groups: sequence of `DuplicateGroup`.
        count: int. Number of images that were compared.
        lowest: float. The lowest score of a copy.
        unreadable: dict of paths to errors.
    """
    return {
        "images": count,
        "lowest_score": round(lowest, 2),
        "groups": [group.to_json() for group in groups],
        "unreadable": dict(unreadable),
    }


def duplicates_page(
    title: str,
    groups: Sequence[DuplicateGroup],
    count: int,
    lowest: float,
    unreadable: Mapping[str, str],
    command: str = "",
) -> str:
    """Returns an HTML page with thumbnails of the groups, which needs no other file.

    Args:
        title: str.
        groups, count, lowest, unreadable: as for `duplicates_json`.
        command: str. The command line, to be shown. Defaults to `""`.
    """
    more = sum(len(group) - 1 for group in groups)
    parts = [
        page.paragraph(
            f"{count:,} images, {len(groups):,} groups of copies: {more:,} images more "
            "than one of each group. The image to keep comes first, with a tick: it "
            "has the most pixels. Nothing was deleted."
        ),
        page.paragraph(
            f"The score s of an image says how alike it is to the first: one of 10^s "
            f"pairs of different pictures is as alike. Copies score {lowest:.1f} or "
            "more with an image of their group; high scores are extrapolated."
        ),
    ]
    if len(groups) > _GROUPS_SHOWN:
        parts.append(
            page.paragraph(
                f"Only the first {_GROUPS_SHOWN} groups are shown here; the JSON file "
                "has all."
            )
        )
    for number, group in enumerate(groups[:_GROUPS_SHOWN], start=1):
        parts += [page.heading(f"Group {number}"), _pictures(group)]
        if len(group) > _IMAGES_SHOWN:
            parts.append(
                page.paragraph(f"... and {len(group) - _IMAGES_SHOWN} images more.")
            )
    if unreadable:
        parts.append(page.heading("Images that cannot be read"))
        parts.append(page.table(list(unreadable.items())[:_GROUPS_SHOWN]))
    if command:
        parts += [page.heading("Command"), page.paragraph(command)]
    return page.document(title, parts)


def _pictures(group: DuplicateGroup) -> str:
    several = len(set(group.sources)) > 1
    parts = ['<div class="copies">']
    columns = group.paths, group.scores, group.sizes, group.sources
    for number, columns_of_one in enumerate(zip(*columns, strict=True)):
        if number == _IMAGES_SHOWN:
            break
        path, score, (width, height, size), source = columns_of_one
        lines = [f"{width} x {height}"]
        lines += [f"{size / 1000:,.0f} kB"] if size >= 0 else []
        lines += [source] if several else []
        lines += [f"score {score:.1f}"] if number else []
        mark = "<b>\N{CHECK MARK} keep</b><br>" if not number else ""
        text = "<br>".join(page.escape(line) for line in [*lines, path])
        parts.append(
            f'<figure class="{"copy" if number else "keep"}">'
            f"{_thumbnail(path)}<figcaption>{mark}{text}</figcaption></figure>"
        )
    return "\n".join([*parts, "</div>"])


def _thumbnail(path: str) -> str:
    try:
        return page.image_tag(page.thumbnail(path, _THUMBNAIL), "")
    except (ValueError, OSError):  # It was removed, or never was a file.
        return ""
