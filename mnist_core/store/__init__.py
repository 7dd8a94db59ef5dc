"""The database of runs: the single source of truth."""

from mnist_core.store.shipped import RunStore

__all__ = ["RunStore"]
