"""Turns images into packed codes and writes them with their paths.

  keras-deephash encode --images photos --output codes.npz
  keras-deephash encode --preset itq_imagenet_128 --images photos --output codes.npz

The .npz file holds `codes`, uint8 [n, bits / 8], and `paths`, strings [n]. Read it
with numpy.load("codes.npz"). Binary codes can be searched by
faiss.IndexBinaryFlat(bits); the codes of a quantizer are compared by
`asymmetric_scores` of the model. Images that cannot be read are left out and listed in
OUTPUT.unreadable.txt.

With --actors N, Ray encodes in N processes, and --output is a directory of Parquet
files of ids, paths and codes. An interrupted run is resumed. --images may then also be
a Parquet file of paths, or a folder of such files: see `ray_encoding.encode_files`. If
RAY_ADDRESS names a cluster, its machines do the encoding.
"""

import os

from keras_deephash.cli import arguments
from keras_deephash.text import count


def add_arguments(parser) -> None:
    arguments.add_general_preset(parser)
    arguments.add_import(parser)
    arguments.add_images(parser)
    parser.add_argument(
        "--output",
        default="codes.npz",
        help="file, or with --actors directory, to write (default: codes.npz)",
    )
    arguments.add_batch_size(parser, 32)
    arguments.add_crops(parser)
    arguments.add_strict(parser)
    parser.add_argument(
        "--actors", type=int, metavar="N", help="number of processes, run by Ray"
    )
    parser.add_argument(
        "--gpus-per-actor",
        type=float,
        default=0,
        help="GPUs for each process, with --actors (default: 0)",
    )


def run(options) -> None:
    if options.actors is not None:
        run_with_ray(options)
        return
    if options.gpus_per_actor:
        raise ValueError("`--gpus-per-actor` needs `--actors N`.")
    import numpy as np

    from keras_deephash.files import write_atomically
    from keras_deephash.images import ImageErrors

    if not options.output.endswith(".npz"):
        raise ValueError(f"`--output` must end in .npz. Received: {options.output!r}.")
    paths, _ = arguments.read_images(options.images)
    model = arguments.load_encoder(options.preset)
    errors = ImageErrors(paths, options.strict)
    # A file that cannot be written fails before the work.
    with write_atomically(options.output) as file:
        codes = model.encode(
            paths,
            options.batch_size,
            verbose=1,
            crops=options.crops,
            on_error=errors.on_error,
        )
        errors.refuse_none()
        np.savez(file, codes=codes, paths=np.array(errors.readable))
    arguments.report_unreadable(options.output, errors.unreadable)
    print(f"{options.output}: {count(len(codes), 'code')} of {model.bits} bits")


def run_with_ray(options) -> None:
    from keras_deephash.ray_encoding import encode_files
    from keras_deephash.ray_encoding.parts import parquet_files

    if options.output.endswith(".npz") or options.crops != 1:
        raise ValueError(
            "With `--actors`, `--output` must be a directory and `--crops` 1. "
            f"Received: {options.output!r}, {options.crops} crops."
        )
    if os.path.isdir(options.images) and not parquet_files(options.images):
        arguments.read_folder(options.images)  # Reports other files.
    done = encode_files(
        options.preset,
        options.images,
        options.output,
        actors=options.actors,
        batch_size=options.batch_size,
        gpus_per_actor=options.gpus_per_actor,
        imports=options.imports,
        strict=options.strict,
    )
    print(
        f"{options.output}: {count(done['images'], 'code')} in "
        f"{count(done['parts'], 'new file')}, "
        f"{count(done['unreadable'], 'image')} unreadable"
    )
