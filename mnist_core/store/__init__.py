"""The database of runs: the single source of truth."""

from mnist_core.store.runs import RunStore

__all__ = ["RunStore"]
