"""Encodes a folder of images into an index, or updates an index.

  keras-deephash index --images photos --output photos.index
  keras-deephash search --index photos.index --images query.jpg

The index is saved about every minute. Run the same command again after an interruption
or when the folder has changed: it encodes images that are new, or whose size or time
has changed; --prune removes images whose files are gone. An image list with class
indices needs a labels.txt beside it, so that labels keep their numbers when it grows.
Images that cannot be read are left out and listed in OUTPUT.unreadable.txt.
"""

import os

from keras_deephash.cli import arguments


def add_arguments(parser) -> None:
    parser.add_argument(
        "--preset",
        help="name or directory of a preset, or an exported file, .onnx or .tflite "
        "(default: that of an existing index, or "
        f"{arguments.GENERAL_PRESET}, for any images)",
    )
    arguments.add_import(parser)
    arguments.add_images(parser)
    parser.add_argument(
        "--output", required=True, metavar="DIR", help="directory of the index"
    )
    parser.add_argument(
        "--kind",
        help="flat, ivf, hnsw or hash for hash codes; flat, ivf or fast_scan for a "
        "quantizer's (default: flat, or that of an existing index)",
    )
    parser.add_argument(
        "--bits",
        type=int,
        help="code length, for a model with several (default: the whole codes, or "
        "that of an existing index)",
    )
    parser.add_argument(
        "--prune",
        action="store_true",
        help="remove images from the index whose files are gone",
    )
    arguments.add_strict(parser)
    arguments.add_uri(parser)
    arguments.add_batch_size(parser, 32)


def run(options) -> None:
    from keras_deephash.index import Index
    from keras_deephash.index.building import IndexBuilder
    from keras_deephash.index.manifest import MANIFEST
    from keras_deephash.text import count, printable

    paths, labels = arguments.read_images(options.images)
    # An image has the same name in whatever directory the command runs.
    paths = [os.path.abspath(path) for path in paths]
    there = os.path.exists(os.path.join(options.output, MANIFEST))
    preset = options.preset
    if preset is None:
        preset = arguments.GENERAL_PRESET
        if there:
            preset = arguments.preset_of_index(options.output)
    model = arguments.load_encoder(preset)
    if there:
        index = arguments.open_index(options.output, model, options.uri)
        kind = index.stats()["kind"]
        if options.kind not in (None, kind):
            raise ValueError(
                f"{options.output!r} is an index of kind {kind!r}. Received: --kind "
                f"{options.kind}. Leave it out, or name another --output."
            )
        if options.bits not in (None, index.spec.bits):
            raise ValueError(
                f"{options.output!r} is an index of {index.spec.bits} bits. Received: "
                f"--bits {options.bits}. Leave it out, or name another --output."
            )
    elif options.uri is not None:
        raise ValueError(
            "`--uri` is for an existing index on a Milvus server, and there is none in "
            f"{options.output!r}. Create it in Python: docs/milvus.md."
        )
    else:
        index = Index(model, kind=options.kind or "flat", bits=options.bits)
        index.save(options.output)  # An --output that cannot be written fails now.
    builder = IndexBuilder(
        index, options.output, options.batch_size, strict=options.strict
    )
    builder.add(paths, labels)
    removed = builder.remove_gone() if options.prune else 0
    arguments.report_unreadable(options.output, builder.unreadable)
    done = [f"{builder.added} of them new"]
    done += [f"{builder.updated} updated"] if builder.updated else []
    done += [f"{removed} removed, whose files are gone"] if removed else []
    print(f"{options.output}: {count(len(index), 'code')}, {', '.join(done)}")
    if gone := builder.gone():
        example = printable(next(iter(gone.values())))
        are = "is" if len(gone) == 1 else "are"
        print(f"{len(gone)} of the files {are} gone, such as {example}: see --prune")
