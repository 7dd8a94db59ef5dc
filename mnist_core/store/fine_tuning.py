"""Runs that train another run's network further on own drawings.

Such a run keeps what it begins from, weights and drawings: it can be trained again when both are gone from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.errors import ConfigError
from mnist_core.handwriting import Handwriting, divide, fine_tuning
from mnist_core.store.run import Run
from mnist_core.store.runs import insert_run
from mnist_core.store.shipped import RunStore

DRAWINGS, WEIGHTS = "handwriting", "begin.keras"
"""Names under which a run keeps what it begins from."""


def fine_tune(
    store: RunStore, run_id: str, own: Digits, owner: str = "", check: Callable[[RunConfig], None] | None = None
) -> str:
    """Puts a run in the queue that trains the network of ``run_id`` further; gives its id.

    Args:
        check: raises for a configuration that is not allowed; it sees the new run's, not that of ``run_id``.

    Raises:
        ConfigError: too few drawings, or no network that can be trained further.
        UnknownRun: there is no such run.
    """
    run = store.get(run_id)
    hand = divide(own, run.settings.data.split_seed)
    config = fine_tuning(run.settings, run.id, hand)
    if check:
        check(config)
    weights = store.load_blob(run.id, "model.keras")
    if weights is None:
        raise ConfigError(f"The run {run.name!r} has no model to train further. Choose one that has finished.")
    return _queue(store, config, f"{run.name}, my handwriting", {DRAWINGS: hand.to_bytes(), WEIGHTS: weights}, owner)


def repeat(store: RunStore, run: Run, owner: str = "") -> str:
    """The same fine-tuning once more, with the drawings and the weights that it began from; gives the new run's id."""
    files = {name: data for name in (DRAWINGS, WEIGHTS) if (data := store.load_blob(run.id, name))}
    return _queue(store, run.settings, run.name, files, owner)


def handwriting(store: RunStore, run_id: str) -> Handwriting:
    """The drawings of a fine-tuning."""
    return Handwriting.from_bytes(store.load_blob(run_id, DRAWINGS))


def measure_name(when: str) -> str:
    """The name under which a run keeps what was found ``before`` or ``after``."""
    return f"handwriting-{when}"


def measured(store: RunStore, run_id: str, when: str) -> dict[str, Any] | None:
    """What was found: ``mnist``, the accuracy on the test set, and ``held_back``, what was read in each drawing."""
    data = store.load_blob(run_id, measure_name(when))
    return None if data is None else json.loads(data)


def _queue(store: RunStore, config: RunConfig, name: str, files: dict[str, bytes], owner: str) -> str:
    """A run in the queue with what it begins from: both or neither."""
    with store.database.write() as connection:
        return insert_run(connection, config, name, owner=owner, files=files)
