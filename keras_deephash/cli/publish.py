"""Publishes a preset on the Hugging Face Hub and prints the commit to pin.

  keras-deephash publish my_dch hf://me/my_dch --license apache-2.0

The preset is loaded first. The access token is that of `hf auth login`, or the
environment variable HF_TOKEN. --dry-run prints the model card and sends nothing.
"""

from keras_deephash.cli.arguments import add_import


def add_arguments(parser) -> None:
    add = parser.add_argument
    add("preset", help="name or directory of a preset")
    add("uri", help="where to publish it: hf://org/name")
    add_import(parser)
    add("--private", action="store_true", help="if the repository is new")
    add("--revision", metavar="BRANCH", help="default: main")
    add("--message", default="Publish the preset", help="of the commit")
    add("--pull-request", action="store_true", help="in place of a commit")
    add("--license", help="of the weights, such as apache-2.0 (default: not stated)")
    add("--endpoint", metavar="URL", help="of the Hub (default: HF_ENDPOINT)")
    add("--dry-run", action="store_true", help="check and print, but send nothing")


def run(options) -> None:
    import os

    from keras_deephash.presets import upload_preset
    from keras_deephash.presets.hub.handles import parse_hub_handle
    from keras_deephash.presets.publishing import prepare_upload

    handle = parse_hub_handle(options.uri, options.revision)
    if options.dry_run:
        files, card = prepare_upload(handle, options.preset, options.license)
        for name, path in files.items():
            print(f"{name}: {os.path.getsize(path):,} bytes")
        print(f"README.md:\n{card}")
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
    )
    print(f"hf://{handle.repo_id}@{commit}")
