"""Runs a Python module that ends with the process that started it, however that ends.

``python -m mnist_core.bound MODULE [arguments]``, with a pipe as its stdin: the operating system closes the pipe when
the starter is gone, by ``kill -9`` too. Linux alone could send a signal instead.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading

from mnist_core.allocator import be_sparing


def _end_with_starter() -> None:
    try:
        while os.read(sys.stdin.fileno(), 4096):
            pass
    except OSError:
        pass
    os._exit(1)


def main() -> None:
    be_sparing()  # before there are threads, each of which would have an arena of its own
    threading.Thread(target=_end_with_starter, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
