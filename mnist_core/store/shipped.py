"""The run that comes with MNIST Lab: its flagship, trained beforehand and read from the package, never written.

It reads digits on a fresh machine, before anything has been trained there. To pages and workers it is a finished run
like any other; only lists of one's own runs leave it out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from mnist_core.robustness import FIGURES
from mnist_core.store.run import Run
from mnist_core.store.runs import OwnRuns

FLAGSHIP = "flagship"
"""Its id."""

FOLDER = Path(__file__).parents[1] / "flagship"
BLOBS = ("model.keras", "test_probabilities", "calibration", FIGURES)


class RunStore(OwnRuns):
    """The runs of a database, and the shipped one: it can be read like any other by whoever knows its id."""

    def get(self, run_id: str) -> Run:
        return _read()[0] if run_id == FLAGSHIP else super().get(run_id)

    def usable(self, first: str = "") -> list[Run]:
        """Runs that have a model, newest first, and the shipped one after them."""
        return [*super().usable(first), self.get(FLAGSHIP)]

    def epochs(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        if run_id != FLAGSHIP:
            return super().epochs(run_id, after)
        return [row for row in _read()[1] if row["epoch"] > after]

    def last_epoch(self, run_id: str) -> dict[str, Any] | None:
        return _read()[1][-1] if run_id == FLAGSHIP else super().last_epoch(run_id)

    def load_blob(self, run_id: str, name: str) -> bytes | None:
        if run_id != FLAGSHIP:
            return super().load_blob(run_id, name)
        return (FOLDER / name).read_bytes() if name in BLOBS else None


def write(run: Run, epochs: list[dict[str, Any]], blobs: Mapping[str, bytes], folder: Path = FOLDER) -> None:
    """Makes a finished run the one that is shipped."""
    row = asdict(run) | {"id": FLAGSHIP, "name": "Flagship", "deaths": 0}
    row |= dict.fromkeys(("note", "worker", "message", "holder", "owner"), "")
    epochs = [{key: value for key, value in row.items() if key != "run_id"} for row in epochs]
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps({"run": row, "epochs": epochs}, indent=1) + "\n")
    for name in BLOBS:
        (folder / name).write_bytes(blobs[name])
    _read.cache_clear()


@lru_cache(maxsize=1)
def _read() -> tuple[Run, list[dict[str, Any]]]:
    content = json.loads((FOLDER / "run.json").read_text())
    return Run(**content["run"]), [row | {"run_id": FLAGSHIP} for row in content["epochs"]]
