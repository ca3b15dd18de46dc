"""The check that every image of a set can be read."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from keras_deephash.images import error_for, read_image


def check_readable(images: Sequence) -> None:
    """Decodes every image; raises one error that names all that are damaged."""
    map_images(lambda image: None, images)


def map_images(function: Callable, images: Sequence) -> list:
    """Applies a function to the pixels of each image, and returns the results.

    Args:
        function: function of uint8 pixels [h, w, 3].
        images: images that `read_image` accepts.

    Raises:
        ValueError: if images cannot be read; the error names all of them.
    """

    def run(number):
        try:
            return function(read_image(images[number])), None
        except (OSError, ValueError) as error:
            return None, error.with_traceback(None)

    # By number, so that lazy sequences do not decode all images at once.
    with ThreadPoolExecutor() as readers:
        made = list(readers.map(run, range(len(images)), chunksize=64))
    problems = {n: error for n, (_, error) in enumerate(made) if error is not None}
    if problems:
        raise error_for(problems, len(images))
    return [value for value, _ in made]
