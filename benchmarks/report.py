"""Common to all benchmarks: arguments, statistics, the machine in words, and how results are printed."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np


def arguments(
    description: str, repeats: int | None = 5, add: Callable[[argparse.ArgumentParser], None] = lambda parser: None
) -> argparse.Namespace:
    """What every benchmark understands; ``add`` gives the parser what one understands besides.

    Args:
        repeats: how often each thing is measured unless told otherwise; ``None`` where that cannot be chosen.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="end with one JSON document")
    if repeats is not None:
        parser.add_argument("--repeats", type=int, default=repeats, help=f"how often each is measured ({repeats})")
    add(parser)
    return parser.parse_args()


def p95(values: Sequence[float]) -> float | None:
    """``None`` where nothing was measured."""
    return float(np.percentile(values, 95)) if len(values) else None


def machine() -> str:
    """Processor, cores and memory of this machine, to stand beside every figure."""
    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = [int(line.split()[1]) / 2**20 for line in _lines("/proc/meminfo") if line.startswith("MemTotal")]
    parts = [names[0] if names else platform.processor(), f"{os.cpu_count()} cores"]
    parts += [f"{memory[0]:.0f} GiB"] if memory else []
    return ", ".join([*parts, f"Python {platform.python_version()}"])


def say(text: str) -> None:
    """Progress goes to stderr, so that stdout holds the result alone."""
    print(text, file=sys.stderr, flush=True)


def finish(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, indent=1))
        return
    print(machine())
    for key, value in result.items():
        print(f"{key}: {value:.3f}" if isinstance(value, float) else f"{key}: {value}")


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []
