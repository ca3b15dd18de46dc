"""The files of onnxruntime-web: of npm, or of a directory."""

import os
import shutil
import subprocess
import tarfile
import tempfile

from keras_deephash.files import describe_file, write_atomically
from keras_deephash.runtime.preset_files import cache_folder

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
# The files that a page needs, and their sha256 in that version.
FILES = {
    "ort.wasm.bundle.min.mjs": (
        "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
}
_MAX_BYTES = 64 << 20  # Of one of the files.


def page_names() -> list[str]:
    """The names of the files in a page."""
    # Not every web server knows .mjs as a script.
    return [name.replace(".mjs", ".js") for name in FILES]


def copy_runtime(target: str, folder: str | None = None) -> None:
    """Copies the files of onnxruntime-web that a page needs.

    Args:
        target: str. Directory to copy to; it is made.
        folder: str. Directory with the files, such as an unpacked npm package.
            Defaults to `None`: the pinned version, which npm fetches once.

    Raises:
        FileNotFoundError: if the directory does not have them.
        OSError: if npm is not installed, or cannot fetch the package.
        ValueError: if a file is not that of the pinned version.
    """
    folder = fetch_runtime() if folder is None else folder
    os.makedirs(target)
    for name, copy in zip(FILES, page_names(), strict=True):
        places = [os.path.join(folder, *path, name) for path in ((), ("dist",))]
        found = next(filter(os.path.isfile, places), None)
        if found is None:
            raise FileNotFoundError(
                f"`--runtime` must be a directory with {', '.join(FILES)}, of "
                f"{PACKAGE} {VERSION}. Received: {folder!r}, without {name}."
            )
        copied = os.path.join(target, copy)
        shutil.copyfile(found, copied)
        if not _is_right(copied, name):
            raise ValueError(
                f"`--runtime` must have the files of {PACKAGE} {VERSION}. Received: "
                f"{found!r}, whose sha256 differs. Unpack that version there, or leave "
                "`--runtime` out."
            )


def fetch_runtime() -> str:
    """The folder of caches that has the pinned version, checked."""
    folder = os.path.join(cache_folder(), f"{PACKAGE}-{VERSION}")
    if not all(_is_right(os.path.join(folder, name), name) for name in FILES):
        with tempfile.TemporaryDirectory() as place:
            _extract(_fetch(place), folder)
    return folder


def _is_right(path: str, name: str) -> bool:
    return os.path.isfile(path) and describe_file(path)["sha256"] == FILES[name]


def _fetch(folder: str) -> str:
    """The path of the package, fetched by npm; nothing of it is run."""
    what = f"{PACKAGE}@{VERSION}"
    command = ["npm", "pack", what, "--ignore-scripts", "--pack-destination", folder]
    hint = f"Without npm or a network, unpack {what} yourself: --runtime DIRECTORY."
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    except OSError:
        raise OSError(f"npm, which fetches {what}, is not installed. {hint}") from None
    packages = [name for name in os.listdir(folder) if name.endswith(".tgz")]
    if done.returncode or len(packages) != 1:
        why = (done.stderr.strip().splitlines() or ["no package came"])[-1]
        raise OSError(f"npm could not fetch {what}: {why}. {hint}")
    return os.path.join(folder, packages[0])


def _extract(package: str, folder: str) -> None:
    """Writes the files of a package into a folder; no path of it is taken."""
    with tarfile.open(package) as archive:
        for name in FILES:
            content = archive.extractfile(f"package/dist/{name}").read(_MAX_BYTES)
            path = os.path.join(folder, name)
            with write_atomically(path) as file:
                file.write(content)
            if not _is_right(path, name):
                os.remove(path)
                raise ValueError(
                    f"{name} of {PACKAGE} {VERSION} is not the file that it should "
                    "be: its sha256 differs. It was not used."
                )
