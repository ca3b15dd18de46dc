"""Encoding millions of image files on many devices, with Ray Data."""

import os
from collections.abc import Sequence

import numpy as np

from keras_deephash.checks import check_integer
from keras_deephash.files import write_atomically
from keras_deephash.images import write_report
from keras_deephash.index.faiss.threads import available_cpus
from keras_deephash.progress import Progress
from keras_deephash.ray_encoding.encoder import Encoder, preset_sha256
from keras_deephash.ray_encoding.parts import Part, Parts, read_paths

_PRESET = "preset.sha256"


def encode_files(
    preset: str,
    images: str,
    output: str,
    actors: int = 1,
    batch_size: int = 128,
    gpus_per_actor: float = 0,
    verbose: int = 1,
    imports: Sequence[str] = (),
    strict: bool = False,
) -> dict[str, int]:
    """Encodes image files into Parquet files of ids, paths and codes.

    Every actor is a process that loads the model once. An interrupted run is resumed
    with the parts (input files) that have no codes yet. Unreadable images are listed in
    `unreadable/` and are not among the codes.

    Args:
        preset: str. Name or directory of a preset.
        images: str. A directory with images at any depth, or an image list, which are
            encoded in parts of 10,000; or a Parquet file or a directory of such files,
            one part for each, with a column `path` and, in all files or none, a column
            `id` of different ints >= 0. Without it, ids count from 0.
        output: str. Directory to write: `codes/PART.parquet` has the columns `id`,
            `path` and `code` (bytes).
        actors: int. Number of processes, one for each device. Defaults to `1`.
        batch_size: int. Images per step. Defaults to `128`.
        gpus_per_actor: float. GPUs for each actor. Defaults to `0`.
        verbose: 0 or 1, whether to print the progress. Defaults to `1`.
        imports: names of modules that every actor imports first, such as that of your
            own method. Defaults to none.
        strict: bool. Whether an unreadable image is an error. Defaults to `False`.

    Returns:
        dict: `images` encoded by this run, `unreadable` ones, and `parts` written.

    Raises:
        ImportError: if Ray is not installed.
        ValueError: if the output has codes of another preset or of other images, or
            with `strict` for an unreadable image.

    Example:

    >>> encode_files("dch_cifar10_48", "photos", "photo_codes", actors=4)
    """
    try:
        import ray.data
    except ImportError:
        raise ImportError(
            "Encoding with actors needs Ray. Install it: "
            'pip install "keras-deephash[ray]".'
        ) from None
    actors = check_integer("actors", actors, minimum=1)
    batch_size = check_integer("batch_size", batch_size, minimum=1)
    sha256 = _check_preset(preset, output)
    parts = Parts(output, images)
    parts.refresh()
    # Last, so that missing images do not tie the output to a preset.
    with write_atomically(os.path.join(output, _PRESET)) as file:
        file.write(sha256.encode())
    done = {"images": 0, "unreadable": 0, "parts": 0}
    pending = {part.name: part for part in parts.pending()}
    for part in [part for part in pending.values() if not part.count]:
        _write_part(parts, pending.pop(part.name), [])
        done["parts"] += 1
    if not pending:
        return done

    started_ray = not ray.is_initialized()
    if started_ray:
        _start_ray(ray, actors)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    try:
        dataset = ray.data.from_items(list(pending)).flat_map(
            lambda item: _rows(pending[item["item"]])
        )
        dataset = dataset.map_batches(
            Encoder,
            fn_constructor_args=(
                preset,
                sha256,
                max(1, available_cpus() // actors),
                tuple(imports),
            ),
            compute=ray.data.ActorPoolStrategy(size=actors),
            batch_size=batch_size,
            num_gpus=gpus_per_actor,
        )
        progress = Progress(
            sum(part.count for part in pending.values()), "image", bool(verbose)
        )
        waiting = {name: [] for name in pending}
        missing = {name: part.count for name, part in pending.items()}
        for batch in dataset.iter_batches(batch_size=batch_size):
            if strict and any(batch["error"]):
                raise ValueError("\n".join(filter(None, batch["error"])))
            names = batch["part"]
            for name in np.unique(names):
                rows = {key: column[names == name] for key, column in batch.items()}
                waiting[name].append(rows)
                missing[name] -= len(rows["id"])
                if missing[name]:
                    continue
                unreadable = _write_part(parts, pending[name], waiting.pop(name))
                done["parts"] += 1
                done["unreadable"] += unreadable
                done["images"] += pending[name].count - unreadable
            progress.add(len(names))
    finally:
        if started_ray:
            ray.shutdown()
    return done


def _start_ray(ray, actors: int) -> None:
    """Joins the cluster that RAY_ADDRESS names, or starts one on this machine."""
    quiet = {"log_to_driver": False, "logging_level": "warning"}
    if os.environ.get("RAY_ADDRESS"):
        ray.init(**quiet)
        return
    # On a busy machine the node takes longer to start than Ray's 30 seconds.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "300")
    # One CPU more than the actors use: reading the parts needs one too, and would
    # otherwise wait for it forever.
    cpus = max(available_cpus(), actors + 1)
    ray.init("local", num_cpus=cpus, include_dashboard=False, **quiet)


def _check_preset(preset: str, output: str) -> str:
    """Returns the sha256 of the preset.

    Raises:
        ValueError: if the preset has no codes, or the output has codes of another one.
    """
    from keras_deephash.presets.location import read_preset_metadata

    metadata = read_preset_metadata(preset)
    if metadata["bits"] is None:
        raise ValueError(
            f"The preset {preset!r} is a {metadata['method']}, which has no codes."
        )
    sha256 = preset_sha256(metadata)
    path = os.path.join(output, _PRESET)
    if os.path.exists(path):
        with open(path, encoding="ascii") as file:
            there = file.read().strip()
        if there != sha256:
            raise ValueError(
                f"{output!r} has codes of another model, or of another version of the "
                f"preprocessing. Received: preset={preset!r}. Choose another output "
                "directory."
            )
    return sha256


def _rows(part: Part) -> list[dict]:
    paths, ids = read_paths(part)
    return [
        {"part": part.name, "row": row, "id": int(number), "path": path}
        for row, (number, path) in enumerate(zip(ids, paths, strict=True))
    ]


def _write_part(parts: Parts, part: Part, batches: list[dict]) -> int:
    """Writes a part in the order of its paths; returns how many are unreadable."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        key: np.concatenate([batch[key] for batch in batches]) if batches else []
        for key in ("row", "id", "path", "code", "error")
    }
    order = np.argsort(columns["row"], kind="stable")
    readable = [row for row in order if not columns["error"][row]]
    unreadable = [row for row in order if columns["error"][row]]
    table = pa.table(
        {
            "id": pa.array([int(columns["id"][row]) for row in readable], pa.int64()),
            "path": pa.array([str(columns["path"][row]) for row in readable], "string"),
            "code": pa.array(
                [columns["code"][row].tobytes() for row in readable], pa.binary()
            ),
        }
    )
    report = os.path.join(parts.folder, "unreadable", f"{part.name}.txt")
    paths, errors = columns["path"], columns["error"]
    write_report(report, {str(paths[row]): str(errors[row]) for row in unreadable})
    with write_atomically(parts.codes_file(part)) as file:
        pq.write_table(table, file)
    return len(unreadable)
