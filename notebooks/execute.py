"""Runs the notebooks in kernels of their own and stores what they print and draw.

python notebooks/execute.py
python notebooks/execute.py quickstart hub
python notebooks/execute.py --scale small --dry-run

Each runs in an empty directory. `--scale small` is what the tests run: fewer images and
epochs. `--dry-run` stores nothing. Needs `pip install ".[notebooks]"`.
"""

import argparse
import base64
import io
import os
import re
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from keras_deephash.files import write_atomically

FOLDER = Path(__file__).parent
NAMES = (
    "quickstart",
    "train_your_own",
    "five_methods",
    "quantization",
    "multi_label_word_vectors",
    "your_own_method",
    "hub",
    "many_gpus_and_millions",
    "export",
)
SCALES = ("small", "full")
SCALE_VARIABLE = "KDH_NOTEBOOK_SCALE"
MOST_BYTES = 60_000  # Of a stored picture.
MOST_SECONDS = 600  # Of a cell.
COLORS = re.compile(r"\x1b\[[0-9;]*m")


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def run(
    notebook: nbformat.NotebookNode,
    scale: str,
    folder: str | os.PathLike,
    kernel: str = "python3",
    environment: dict | None = None,
) -> float:
    """Runs all cells of a notebook, which then holds their outputs.

    Args:
        notebook: `NotebookNode`, as `read` returns.
        scale: `"small"` or `"full"`.
        folder: str. The working directory of the kernel.
        kernel: str. Name of a kernel. Defaults to `"python3"`, this Python.
        environment: dict of variables of the kernel, beside those of this process.

    Returns:
        The seconds that it took.

    Raises:
        nbclient.exceptions.CellExecutionError: if a cell fails.
    """
    client = NotebookClient(
        notebook,
        timeout=MOST_SECONDS,
        kernel_name=kernel,
        resources={"metadata": {"path": os.fspath(folder)}},
        record_timing=False,
        coalesce_streams=True,  # Of a progress bar, what it shows at last.
    )
    variables = {
        **os.environ,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        SCALE_VARIABLE: scale,
        **(environment or {}),
    }
    started = time.time()
    client.execute(env=variables)
    return time.time() - started


def store(notebook: nbformat.NotebookNode, name: str) -> int:
    """Writes a notebook with small pictures; returns the bytes of the file.

    What TensorFlow says of its own start, and colours of terminals, are left out.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
        for output in cell.outputs:
            if output.output_type == "stream":
                output.text = COLORS.sub("", output.text)
            picture = output.get("data", {}).get("image/png")
            if picture is not None:
                picture = smaller(base64.b64decode(picture))
                output.data["image/png"] = base64.b64encode(picture).decode()
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Python 3",
            "language": "python",
            "name": "python3",
        },
        "language_info": {"name": "python"},
    }
    text = nbformat.writes(notebook) + "\n"
    with write_atomically(FOLDER / f"{name}.ipynb") as file:
        file.write(text.encode())
    return len(text)


def smaller(picture: bytes) -> bytes:
    """A PNG of at most 60 kB: fewer colours, then fewer pixels, until it fits."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    colors = 256
    while True:
        file = io.BytesIO()
        reduced = image.quantize(colors, dither=Image.Dither.NONE)
        reduced.save(file, format="png", optimize=True)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()
        if colors > 32:
            colors //= 2
        else:
            image = image.resize([9 * side // 10 for side in image.size])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", default=NAMES)
    parser.add_argument("--scale", choices=SCALES, default="full")
    parser.add_argument("--dry-run", action="store_true", help="store nothing")
    options = parser.parse_args()
    for name in options.names:
        notebook = read(Path(name).stem)
        with tempfile.TemporaryDirectory() as folder:
            seconds = run(notebook, options.scale, folder)
        size = "" if options.dry_run else f", {store(notebook, name) / 1000:.0f} kB"
        print(f"{name}: {seconds:.0f} s at {options.scale} scale{size}", flush=True)


if __name__ == "__main__":
    main()
