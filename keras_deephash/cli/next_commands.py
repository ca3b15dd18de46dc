"""The next commands for a preset that was just trained."""

import os

from keras_deephash.datasets import read_image_list
from keras_deephash.datasets.sources import holds_lists


def next_commands(data: str, output: str, imports: list[str]) -> list[list[str]]:
    """Returns commands that evaluate a preset and search images with it.

    Args:
        data: str, the data of the training.
        output: str, the directory of the preset.
        imports: list of str, the modules that the training imported.

    Returns:
        list of commands, each a list of words; empty if there are no lists.
    """
    from keras_deephash.presets.registry import preset_folders

    is_lists = os.path.isdir(data) and holds_lists(data)
    lists = data if is_lists else f"{output.rstrip(os.sep)}.lists"
    # A bare name would load the installed preset of that name.
    name = os.path.abspath(output) if output in preset_folders() else output
    preset = ["--preset", name]
    for module in imports:
        preset += ["--import", module]
    found = [
        os.path.join(lists, f"{name}.txt") for name in ("test", "database", "train")
    ]
    test, *others = (path if os.path.isfile(path) else None for path in found)
    others = [path for path in others if path]
    if not others:
        return []
    # All images of a folder are indexed, or those of one list.
    images = others[0] if is_lists or not os.path.isdir(data) else data
    query = read_image_list(test or others[0], verify_images=False).images[0]
    index = f"{output.rstrip(os.sep)}.index"
    commands = [
        ["index", *preset, "--images", images, "--output", index],
        ["search", *preset, "--index", index, "--images", _shorter(query)],
    ]
    if test:
        commands.insert(0, ["evaluate", *preset, "--data", lists])
    return [["keras-deephash", *command] for command in commands]


def _shorter(path: str) -> str:
    """A path as seen from the working directory, if it lies below it."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
