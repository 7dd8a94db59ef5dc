"""The command line in a process of its own."""

import subprocess
import sys

from tests.helpers import ROOT

# A shell that runs tests in the background has them, and all that they start, ignore Ctrl-C: heed it again.
HEEDING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("mnist_core", run_name="__main__", alter_sys=True)
"""


def start(*arguments, **options):
    """A command as a process of its own."""
    command = [sys.executable, "-c", HEEDING, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def complete(*arguments, **options):
    """The same, run to its end: exit code, stdout and stderr."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err
