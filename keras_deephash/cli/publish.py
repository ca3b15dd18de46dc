"""Publishes a preset on the Hugging Face Hub and prints the commit to pin.

  keras-deephash publish my_dch hf://me/my_dch --license apache-2.0

The preset is loaded first, as a check. The access token is that of `hf auth login`, or
the environment variable HF_TOKEN. --dry-run prints the model card and sends nothing.
Absolute paths in the training record and in the names of an index are shortened in what
is sent, unless --keep-paths is given; a warning lists the names that are left.
"""

from keras_deephash.cli.arguments import add_import


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("preset", help="name or directory of a preset")
    add("uri", help="where to publish it: hf://org/name")
    add_import(parser)
    add("--private", action="store_true", help="make a new repository private")
    add("--revision", metavar="BRANCH", help="branch to publish on (default: main)")
    add("--message", default="Publish the preset", help="message of the commit")
    add("--pull-request", action="store_true", help="open one instead of committing")
    add("--license", help="license of the weights, such as apache-2.0 (default: none)")
    add("--keep-paths", action="store_true", help="send absolute paths unchanged")
    add("--endpoint", metavar="URL", help="address of the Hub (default: HF_ENDPOINT)")
    add("--dry-run", action="store_true", help="check and print, but send nothing")


def run(options) -> None:
    import os

    from keras_deephash.presets import upload_preset
    from keras_deephash.presets.hub.handles import parse_hub_handle
    from keras_deephash.presets.upload_files import prepare_upload
    from keras_deephash.text import printable

    handle = parse_hub_handle(options.uri, options.revision)
    if options.dry_run:
        files, card = prepare_upload(
            handle, options.preset, options.license, options.keep_paths
        )
        for name, file in files.items():
            is_path = isinstance(file, str)
            size = os.path.getsize(file) if is_path else len(file)
            print(f"{name}: {size:,} bytes{'' if is_path else ', paths shortened'}")
        print(f"README.md:\n{printable(card, keep=chr(10))}")
        return
    commit = upload_preset(
        options.uri,
        options.preset,
        private=options.private,
        revision=options.revision,
        commit_message=options.message,
        create_pr=options.pull_request,
        endpoint=options.endpoint,
        license=options.license,
        keep_paths=options.keep_paths,
    )
    print(f"hf://{handle.repo_id}@{commit}")
