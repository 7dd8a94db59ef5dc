"""The command line, ``python -m mnist_core COMMAND``: like the pages, it only asks the store and the engine.

A command is a module here with a ``Command``, listed in ``COMMANDS``: parsing, help, exit codes and the way
in which errors are told come with that.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from mnist_core import __doc__ as about
from mnist_core import __version__
from mnist_core.cli import (
    compare,
    doctor,
    evaluate,
    export,
    flagship,
    predict,
    recipes,
    reproduce,
    runs,
    serve,
    settings,
    sweep,
    train,
    upload,
)
from mnist_core.cli.command import PROGRAM, Command, Parser, UsageError
from mnist_core.errors import ConfigError, ImageError, LabError, ModelFileError

MODULES = (
    serve, train, recipes, reproduce, sweep, runs, compare, predict, evaluate, export, upload, flagship, settings,
    doctor,
)  # fmt: skip
COMMANDS: tuple[Command, ...] = tuple(module.COMMAND for module in MODULES)

OK, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

BAD_INPUTS = (UsageError, ConfigError, ImageError, ModelFileError)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit code: 0 done, 1 failed, 2 bad input, 130 interrupted.

    What the reader can mend is told as one line on stderr, never as a traceback.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a sign, of a run's name for example, shows "?" instead.
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # The reader, such as `head`, has had enough. What Python would still flush on leaving goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except LabError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return BAD_INPUT if isinstance(error, BAD_INPUTS) else FAILED


def _run(argv: Sequence[str]) -> int:
    parser = build_parser()
    options = parser.parse_args(argv)
    if options.command is None:
        parser.print_help()
        return OK
    return options.command.run(options)


def build_parser() -> Parser:
    """The parser of all commands; ``options.command`` is the one chosen, or ``None``."""
    parser = Parser(PROGRAM, f"{about}\n\nEach command has its own --help.")
    parser.add_argument("--version", action="version", version=f"MNIST Lab {__version__}")
    parser.set_defaults(command=None)
    group = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=Parser)
    for command in COMMANDS:
        examples = "\n".join(f"  {PROGRAM} {command.name} {example}".rstrip() for example in command.examples)
        child = group.add_parser(
            command.name,
            help=command.sentence,
            prog=f"{PROGRAM} {command.name}",
            description=command.sentence,
            epilog="\n\n".join(filter(None, [f"examples:\n{examples}", command.notes])),
        )
        command.arguments(child)
        child.set_defaults(command=command)
    return parser
