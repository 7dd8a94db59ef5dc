"""How pages and commands reach the engine: start it if it is away, and ask its workers for predictions.

Nothing here imports TensorFlow, and Dask only when a prediction is asked for: a web server that just shows
pages stays small.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.config import RunConfig
from mnist_core.engine import tasks
from mnist_core.engine.batching import Batcher
from mnist_core.engine.connection import Connection
from mnist_core.engine.watchdog import ENGINE, Watchdog
from mnist_core.errors import EngineError, ModelFileError, StoreError
from mnist_core.logs import appended
from mnist_core.models.upload import Upload
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import HOST, EngineStatus, attend, attended, engine_status, leave

START_SECONDS = 60
"""How long to wait for a new engine before saying that it does not start."""

ATTEND_SECONDS = 5
RESTART_SECONDS = 5
"""Between two attempts to start an engine, so that one that cannot start is not started all the time."""

REAP_SECONDS = 1
"""For what is left of an engine that is away; one that cannot be killed is left alone."""

ANSWER_SECONDS = 60

KNOWN_SECONDS = 1.0
"""For how long a status is good enough to ask a worker by."""

FEW_IMAGES = 64
"""Of drawings that are read together."""


class EngineClient:
    """One per process; safe to use from many threads."""

    def __init__(self, settings: Settings, store: RunStore):
        self._settings, self._store = settings, store
        self._lock, self._connection = threading.Lock(), Connection()
        self._process: subprocess.Popen | None = None
        self._watchdog = Watchdog(settings, store.database)
        self._attended = self._started = float("-inf")
        self.cannot_write = ""
        """Why nothing can be written at present; only one caller of ``ensure`` now and then finds out by itself."""
        self._known, self._looked = EngineStatus("away"), float("-inf")
        self._together = Batcher(self._predict)

    def ensure(self) -> EngineStatus:
        """The engine's status; starts it in the background if it is away, and says that we want it to stay.

        One that has hung on this machine is ended first, or loses its lease if it is another store's.
        """
        try:
            self._attend()
        except StoreError:
            self._look_without_beats()
            raise
        with self._lock:
            status = engine_status(self._store.database, self._settings.scheduler)
            if self._watchdog.look(status):
                status = engine_status(self._store.database, self._settings.scheduler)
            # One that we started and that still lives is about to become the engine, or about to end; after long, it
            # is one that could not even be killed.
            patience = START_SECONDS if self._process and self._process.poll() is None else RESTART_SECONDS
            if status.state == "away" and time.monotonic() - self._started > patience:
                self._started = time.monotonic()
                self._start()
                status = EngineStatus("starting")
            return status

    def _attend(self) -> None:
        """By one caller now and then: where the database is locked, the others need not wait for it as well."""
        with self._lock:
            if time.monotonic() - self._attended <= ATTEND_SECONDS:
                return
            self._attended = time.monotonic()
        try:
            attend(self._store.database)
        except StoreError as error:
            self.cannot_write = str(error)
            self._attended = time.monotonic()  # after it has waited for long: the next one need not at once
            raise
        self.cannot_write = ""

    def _look_without_beats(self) -> None:
        """Where nothing can be written, the engine cannot beat either: it waits for room, as it should. But one that is
        frozen may be who keeps the database locked."""
        status = engine_status(self._store.database)
        answers = self._watchdog.answers(status)  # may take seconds, in which others go on
        with self._lock:
            self._watchdog.look(status, answers)

    def wait(self, seconds: float = START_SECONDS) -> EngineStatus:
        """Waits until the engine serves the store; workers follow. ``EngineError`` if it does not come up in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            status = self.ensure()
            if status.ready:
                return status
            if status.state == "broken":
                raise EngineError(f"The engine cannot work: {status.problem}")
            time.sleep(0.1)
        raise EngineError(
            f"The engine did not start within {seconds:.0f} seconds. Its log at {self._settings.log_file} says why."
        )

    def predict(self, run_id: str, images: np.ndarray) -> np.ndarray:
        """Probabilities ``float32 (N, 10)`` of a run's model for ``uint8 (N, 28, 28)`` images, in milliseconds.

        Raises:
            UnknownRun: no such run, or it has no model yet.
            EngineError: the engine cannot be reached.
        """
        return self._together(run_id, images)

    def explain(self, run_id: str, image: np.ndarray, method: str, target: int | None = None) -> Any:
        """Why a run's model reads uint8 ``(28, 28)`` as it does: one of ``explain.results``.

        Args:
            method: a name of ``explain.methods.METHODS``.
            target: the digit to explain, or the one that is wanted; ``None`` for the answer, or for the next likely.

        Raises:
            ExplainError: the method does not apply to such a model.
        """
        return self._ask(tasks.explain, run_id, image, method, target, self._settings.database_url)

    def predict_file(self, model: bytes, images: np.ndarray, scaled: bool = True) -> np.ndarray:
        """The same with a ``.keras`` file that ``vetted`` has given."""
        return self._ask(tasks.predict_file, model, images, scaled)

    def accuracy_under(self, run_id: str, corruption: str) -> float:
        """A run's accuracy on test images that are spoiled by one of ``robustness.corruptions``; in about a second."""
        return self._ask(tasks.accuracy_under, run_id, corruption, self._settings.database_url)

    def vetted(self, upload: Upload) -> bytes:
        """An uploaded model as a ``.keras`` file that is safe to load; ``ModelFileError`` says why there is none."""
        self._require_size(upload)
        return self._ask(tasks.vetted, upload, self._settings.upload_seconds, kind="files")

    def add_upload(self, upload: Upload, name: str = "", owner: str = "") -> str:
        """Makes a run of an uploaded model, scored on the test set, and gives its id; ``owner``: the visitor's.

        Raises:
            ModelFileError: saying why it is not accepted; nothing of it is kept.
        """
        self._require_size(upload)
        seconds, url = self._settings.upload_seconds, self._settings.database_url
        until = time.time() + ANSWER_SECONDS + seconds  # nobody waits for it any longer
        return self._ask(tasks.add_upload, upload, name, owner, url, seconds, until, kind="files")

    def export(self, run_id: str, format_name: str) -> bytes:
        """A run's model as a file of one of ``models.formats``."""
        return self._ask(tasks.export, run_id, format_name, self._settings.database_url)

    def first_layer(self, run_id: str) -> np.ndarray:
        """Weights of a run's first layer before and after training (``engine.files``)."""
        return self._ask(tasks.first_layer, run_id, self._settings.database_url)

    def untrained_first_layer(self, config: RunConfig) -> np.ndarray:
        """The weights with which a run of this configuration would begin."""
        return self._ask(tasks.untrained_first_layer, config.to_json())

    def stop(self) -> None:
        """Ends an engine on this machine and waits for that, unless another web server or command wants it to stay.

        One that hangs is killed with its workers; ``EngineError`` if it is there even then.
        """
        with suppress(StoreError):  # full, locked or read-only, it must end all the same
            leave(self._store.database)
        if attended(self._store.database, by_others=True):
            return
        status = engine_status(self._store.database)
        engines = {}
        if self._process and self._process.poll() is None:  # also if it has not become the engine yet
            pid = self._process.pid
            engines[pid] = EngineStatus("starting", pid=pid, host=HOST, beat=time.time())
        if self._watchdog.ours(status):
            engines[status.pid] = status
        try:
            for engine in engines.values():
                self._watchdog.dismiss(engine)
        finally:
            if self._process:
                self._process.poll()  # else it stays behind as a zombie

    def close(self) -> None:
        """Leaves the cluster; the next question connects anew."""
        self._connection.close()

    def _require_size(self, upload: Upload) -> None:
        most = self._settings.upload_megabytes
        if most and upload.size > most * 1_000_000:
            has = math.ceil(upload.size / 1e5) / 10  # upwards: never as many as are allowed
            raise ModelFileError(
                f"The file has {has:,} MB, but may have {most} MB at most. Save it without its optimizer, or allow "
                f"more by MNIST_LAB_UPLOAD_MEGABYTES."
            )

    def _predict(self, run_id: str, images: np.ndarray) -> np.ndarray:
        few = len(images) <= FEW_IMAGES
        return self._ask(tasks.predict, run_id, images, self._settings.database_url, keep=few)

    def _ask(self, task: Callable, *arguments: Any, kind: str = "predict", keep: bool = False) -> Any:
        """Has a worker do a task. Those of the kind ``files`` may take long, and no prediction waits behind one."""
        status = self._lately()
        if status.out_of_reach:
            raise EngineError(status.out_of_reach)
        seconds = ANSWER_SECONDS + (self._settings.upload_seconds if kind == "files" else 0)
        return self._connection.ask(status.address, task, *arguments, kind=kind, seconds=seconds, keep=keep)

    def _lately(self) -> EngineStatus:
        """The engine's status of at most a second ago, while we are connected to it: a class that draws need not have
        the store asked for every stroke."""
        if not self._connection.running or time.monotonic() - self._looked > KNOWN_SECONDS:
            self._known, self._looked = self.wait(), time.monotonic()
        return self._known

    def _start(self) -> None:
        """Starts the engine in a session of its own, so that Ctrl-C on the web server does not reach it."""
        if self._process:  # one that was killed counts as away before the last of its threads is gone
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(REAP_SECONDS)
        root = str(Path(__file__).parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
        environment = os.environ | self._settings.environment() | {"PYTHONPATH": path}
        try:
            self._settings.home.mkdir(parents=True, exist_ok=True)
            with appended(self._settings.log_file) as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", ENGINE],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,
                )
        except OSError as error:
            raise EngineError(f"The engine cannot be started: {error}. Check {self._settings.home}.") from None
