"""The connection to the workers: gives them tasks and waits for their answers. Dask is imported when one is asked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from mnist_core.errors import EngineError, LabError

KEPT = 8
"""Answers, each of one drawing or a few: let go of one by one, each would hold up the next question. Dask sends word
of it at once, and whatever comes within the next 10 ms then waits for these to pass. Few, since a worker that takes
the place of one that died finds them all again first."""


class Connection:
    """To one scheduler at a time, made when it is first needed; safe to use from many threads."""

    def __init__(self) -> None:
        self._connecting = threading.Lock()
        self._dask: Any = None
        self._address = ""
        self._kept: list[Any] = []

    @property
    def running(self) -> bool:
        """Whether it is there, as far as is known: one whose scheduler has ended is not."""
        dask = self._dask  # which another thread may close meanwhile
        return dask is not None and dask.status == "running"

    def ask(
        self, address: str, task: Callable, *arguments: Any, kind: str, seconds: float, keep: bool = False
    ) -> Any:
        """Has a worker of a kind do a task, and gives what it returns.

        Args:
            address: of the scheduler.
            kind: what the worker must be there for; no ``predict`` waits behind one of ``files``.
            seconds: that it may take.
            keep: whether what is asked and answered is so small that Dask may keep it for a while.

        Raises:
            LabError: what the task raised.
            EngineError: nobody answers.
        """
        try:
            client = self._connect(address)
            future = client.submit(task, *arguments, resources={kind: 1}, pure=False, priority=10)
            if len(self._kept) >= KEPT:
                self._kept.clear()  # after the question, so that it is not what waits
            answer = _wait_for(future, seconds)
        except LabError:
            raise
        except Exception as error:
            # Dask tells of workers and schedulers that vanish by many kinds of errors; all mean the same here.
            self.close()
            raise EngineError(f"The engine did not answer ({type(error).__name__}). Try again in a moment.") from error
        if keep:
            self._kept.append(future)
        return answer

    def close(self) -> None:
        """Leaves the cluster; the next question connects anew."""
        with self._connecting:
            self._kept.clear()
            if self._dask is not None:
                self._dask.close()
                self._dask = None

    def _connect(self, address: str) -> Any:
        import dask
        from distributed import Client

        with self._connecting:
            if not self.running or self._address != address:
                # Dask warns of large messages; ours are model files, within the size that the settings allow.
                dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GB"})
                if self._dask is not None:
                    self._dask.close()
                self._dask = Client(address, set_as_default=False, timeout=10)
                self._address = address
            return self._dask


def _wait_for(future: Any, seconds: float) -> Any:
    from distributed import TimeoutError as DaskTimeout

    try:
        return future.result(timeout=seconds)
    except DaskTimeout:
        # Others ask by the same connection, so it stays.
        future.cancel()
        raise EngineError(f"The engine did not answer within {seconds:.0f} s. Try again in a while.") from None
