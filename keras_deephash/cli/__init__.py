"""The command `keras-deephash`."""

import argparse
import sys
from importlib import import_module

from keras_deephash.cli.plain_warnings import plain_warnings
from keras_deephash.cli.quiet_start import quiet_start
from keras_deephash.text import printable
from keras_deephash.version import __version__

COMMANDS = {
    "demo": "train a small model, search with it and draw the results",
    "train": "train a model on labelled images and save it as a preset",
    "lists": "split a folder or a table of images into training, query and database",
    "compare": "train several methods on the same images and compare them on a page",
    "evaluate": "measure the retrieval of a preset on queries and a database",
    "report": "write a page about a preset: metrics, curves, neighbours, codes",
    "encode": "turn images into packed codes",
    "index": "encode a folder of images into an index that can be searched",
    "search": "find the nearest images of an index",
    "serve": "show an index on a page in the browser, with a JSON API",
    "page": "write a static page that searches in the browser, without a server",
    "duplicates": "find copies of pictures: resized, cropped, turned, brightened",
    "presets": "show the presets that can be loaded by name",
    "export": "write a preset as a file that runs without TensorFlow",
    "publish": "publish a preset on the Hugging Face Hub",
    "cache": "show or remove presets that were downloaded from the Hub",
}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are two lines, not the whole usage."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: error: {message}\nSee `{self.prog} --help`.\n")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    quiet_start()
    try:
        parser = _parser(arguments)
        options = parser.parse_args(arguments)
        options.arguments = arguments
        if options.command is None:
            parser.print_help()
            return 2
        if getattr(options, "imports", None):
            _import_modules(options.imports)
        with plain_warnings():
            options.run(options)
    except MemoryError as error:
        return _fail(f"not enough memory{f': {error}' if str(error) else ''}")
    except (ValueError, OSError, ImportError) as error:
        return _fail(str(error))
    except Exception as error:
        package = type(error).__module__.partition(".")[0]
        if package == "keras_deephash":  # Our own errors say what to do.
            return _fail(str(error))
        if package == "tensorflow":
            # Python's errors inside tf.data arrive as TensorFlow's.
            return _fail(_cause(error))
        raise
    except KeyboardInterrupt:
        print("keras-deephash: interrupted", file=sys.stderr)
        return 130
    return 0


def _parser(arguments: list[str]) -> _Parser:
    """Creates the parser; only the command that is called gets its arguments."""
    parser = _Parser(
        prog="keras-deephash",
        description="Deep hashing for image retrieval: images to short binary codes.",
        epilog="`keras-deephash COMMAND --help` explains a command.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    # Options before the command take no values.
    called = next((word for word in arguments if not word.startswith("-")), None)
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(
            name, help=summary, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        if name == called:
            module = import_module(f"keras_deephash.cli.{name}")
            subparser.description = module.__doc__
            module.add_arguments(subparser)
            if hasattr(module, "add_late_arguments"):
                module.add_late_arguments(subparser, arguments)
            subparser.set_defaults(run=module.run)
    return parser


def _import_modules(names: list[str]) -> None:
    from keras_deephash.extensions import import_module_of_user

    for name in names:
        import_module_of_user(name)


def _fail(message: str) -> int:
    """Prints an error, which may quote files, and returns the exit status."""
    message = printable(message, keep="\n")
    print(f"keras-deephash: error: {message}", file=sys.stderr)
    return 1


def _cause(error: Exception) -> str:
    """Returns the line of a TensorFlow error that names the cause."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if "Error: " in line]
    return (named or lines or [type(error).__name__])[0]
