"""``serve``: the dashboard."""

from __future__ import annotations

import argparse

from mnist_core import serve
from mnist_core.cli.command import Command, UsageError
from mnist_core.settings import Settings


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--port",
        type=_port,
        metavar="N",
        help=f"where to listen (default: the first free one from {serve.PORTS[0]} to {serve.PORTS[-1]})",
    )
    parser.add_argument(
        "--address",
        default=serve.LOCAL,
        help="who may come: %(default)s is this computer alone (default), 0.0.0.0 everyone in the network",
    )


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"a port is a whole number from 1 to 65535, not {text!r}")
    return int(text)


def _run(options: argparse.Namespace) -> int:
    try:
        port = serve.free_port(options.address, options.port)
    except serve.PortError as error:
        raise UsageError(str(error)) from None
    if options.port is None and port != serve.PORTS[0]:
        print(f"Port {serve.PORTS[0]} is taken, so it is {port}.", flush=True)
    return serve.serve(Settings.from_environment(), port, options.address, movable=options.port is None)


COMMAND = Command(
    "serve",
    "Open the dashboard for web browsers, until Ctrl-C.",
    _arguments,
    _run,
    ("", "--port 8600", "--address 0.0.0.0"),
)
