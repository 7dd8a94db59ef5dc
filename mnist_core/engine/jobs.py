"""What a train worker does: takes a run from the queue to its end. Needs TensorFlow: only workers import it."""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from mnist_core.calibration import calibrate
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine.fine_tuning import measure
from mnist_core.engine.reading import store_at
from mnist_core.engine.recorder import TAKEN_BACK, NoMore, NotBegun, Preparation, Recorder
from mnist_core.errors import DataError, LabError, RunTaken, StoreError, UnknownRun
from mnist_core.gpus import visible_gpus
from mnist_core.logs import about
from mnist_core.models.blobs import array_bytes, from_bytes, to_bytes
from mnist_core.models.fitted import Fitted
from mnist_core.models.subclassed import portable
from mnist_core.store import RunStore
from mnist_core.store.fine_tuning import WEIGHTS, handwriting
from mnist_core.store.lease import HOST
from mnist_core.store.patience import patiently
from mnist_core.store.run import DEATHS, KILLED, Run
from mnist_core.store.sweeps import SweepStore
from mnist_core.training.compiled import CompiledEvaluation
from mnist_core.training.execution import choose, cpu_name, gpu_names, prepare_devices
from mnist_core.training.fingerprint import fingerprint
from mnist_core.training.fit import Beginning, Trainer
from mnist_core.training.health import health
from mnist_core.training.metrics import MetricsCallback
from mnist_core.training.programs import Programs

if TYPE_CHECKING:
    from mnist_core.training.classical import ClassicalTrainer

log = logging.getLogger("mnist_core.worker")

NICENESS = 10
"""Priority of training, from 0 (like everybody) to 19 (only when nobody else wants the processor)."""

OPENING_SECONDS = 120.0
"""How long a worker waits for a database that it cannot reach, such as one that starts; not for as long as one that
trains, since it may be the only one that does not find it, and nobody can stop a run that it has and cannot read."""


def require_images(data: str) -> None:
    """Refuses to work with other images than the engine's: a run means the same ones wherever it is trained.

    Args:
        data: ``mnist.signature()`` of the engine.

    Raises:
        DataError: this worker reads others.
    """
    if mnist.signature() != data:
        raise DataError(
            f"The worker on {HOST} reads other images than the dashboard, so it gets no runs. Give it the same "
            f"MNIST_LAB_DATA, with the same file, and start it again."
        )


def warm_up(kind: str, data: str = "") -> dict[str, Any]:
    """Prepares a new worker for its first real task, and tells what it has.

    Raises:
        DataError: as ``require_images``.
    """
    require_images(data)
    prepare_devices()
    if kind == "train":
        mnist.load("train")
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    CompiledEvaluation(model, scaled=True).probabilities(np.zeros((1, 28, 28), np.uint8))
    device = (gpu_names() or (cpu_name(),))[0]
    told = {"kind": kind, "device": device, "gpu": bool(gpu_names()), "host": HOST, "pid": os.getpid()}
    return told | {"unused_gpu": bool(visible_gpus()) and not gpu_names()}


def train_run(run_id: str, database_url: str) -> str:
    """Trains a run from the queue to its end and gives its status. Whatever goes wrong stands in the store.

    Raises:
        StoreError: the store could not be reached, or took nothing, for long.
    """
    with about(run_id):
        return _train_and_tell(run_id, database_url)


def _train_and_tell(run_id: str, database_url: str) -> str:
    try:
        store, run = patiently(lambda: _found(run_id, database_url), OPENING_SECONDS)
    except UnknownRun:
        return "deleted"
    except StoreError as error:
        raise type(error)(f"The worker on {HOST} cannot read what it should train. {error}") from error
    holder = None
    try:
        if not run.active:
            return run.status
        run = patiently(lambda: store.start(run_id, worker=f"{HOST}:{os.getpid()}", device=""))
        holder = run.holder
        if run.deaths >= DEATHS:
            return _fail(store, run_id, KILLED, holder)
        return _train(store, run)
    except UnknownRun:
        return "deleted"
    except RunTaken as error:
        # This worker was thought dead, or somebody was quicker. Whoever has the run writes what comes of it.
        log.warning("%s", error)
        return "taken"
    except StoreError as error:
        # The store has refused for long. What it holds of the run is whole, so the run can go on later.
        log.error("%s", error)
        raise
    except (LabError, tf.errors.ResourceExhaustedError, MemoryError) as error:
        message = str(error) if isinstance(error, LabError) else NO_MEMORY
        return _fail(store, run_id, message, holder)
    except Exception as error:
        # Anything else is a bug of ours: the reader gets one sentence, the log all of it.
        log.exception("the run failed")
        message = f"MNIST Lab itself failed ({type(error).__name__}); the engine's log says why."
        return _fail(store, run_id, message, holder)


def _found(run_id: str, database_url: str) -> tuple[RunStore, Run]:
    store = store_at(database_url)
    return store, store.get(run_id)


NO_MEMORY = "There was not enough memory. Try fewer units or filters, or a smaller batch size."


def _train(store: RunStore, run: Run) -> str:
    config = run.settings
    prepare_devices()
    _step_back()
    classical = config.architecture.family == "classical"
    execution, outcome = None if classical else choose(config), "finished"
    device, reason = (execution.device_name, execution.reason) if execution else (cpu_name(), "scikit-learn's own code")
    checkpoint = store.load_blob(run.id, "checkpoint")
    event = f"{'Goes on' if checkpoint else 'Starts'} on {device}: {reason}."
    if run.deaths:
        event += f" Its worker has died {run.deaths} of {DEATHS} times."
    patiently(lambda: store.record(run.id, {"device": device}, event=event, holder=run.holder))
    log.info("%s", event)
    if execution:
        look, beginning = Preparation(store, run, begun=checkpoint is not None), _beginning(store, run)
        try:
            trainer = Trainer(config, _programs(), execution, beginning, look)
        except NotBegun as ended:
            return str(ended)
        except NoMore:
            trainer, outcome = Trainer(config, _programs(), execution, beginning, learns=False), "stopped"
    else:
        trainer = _classical_trainer(config)
    if config.fine_tuning and not checkpoint:
        before = measure(store, run.id, trainer, "before")
        patiently(lambda: store.record(run.id, {}, files=before, holder=run.holder))
    if not checkpoint and not classical:
        patiently(lambda: store.keep(run.id, "start", fingerprint(portable(trainer.model))))
    sink: dict[str, list] = {}
    recorder = Recorder(store, run.id, sink, run.holder, outcome)
    metrics = MetricsCallback(sink, every_step=config.training.history > 0)
    trainer.fit([metrics, recorder], resume_from=checkpoint)
    if trainer.step == 0 and recorder.outcome == "stopped":
        columns = {"status": "cancelled", "wish": "", "ended": time.time()}
        patiently(lambda: store.record(run.id, columns, event=TAKEN_BACK, holder=run.holder))
        return "cancelled"
    if recorder.outcome != "paused":
        _conclude(store, run, trainer, recorder.outcome)
    return recorder.outcome


def _beginning(store: RunStore, run: Run) -> Beginning | None:
    """What a fine-tuning begins from, which it keeps with it."""
    if not run.settings.fine_tuning:
        return None
    learned = handwriting(store, run.id).learned
    return Beginning(learned, from_bytes(store.load_blob(run.id, WEIGHTS)).get_weights())


def _classical_trainer(config: RunConfig) -> ClassicalTrainer:
    from mnist_core.training.classical import ClassicalTrainer  # scikit-learn only where it is needed

    return ClassicalTrainer(config, mnist.load("train"))


def _step_back() -> None:
    """Lets everything else on this machine go first: pages and drawings are answered while a run trains."""
    threads = Path("/proc/self/task")
    for thread in threads.iterdir() if threads.exists() else ():
        # Linux counts niceness by thread, and TensorFlow's threads may be there already. One may end meanwhile,
        # and whoever started us with less priority still keeps it.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), NICENESS)


def _conclude(store: RunStore, run: Run, trainer: Trainer | ClassicalTrainer, status: str) -> None:
    """Scores the test set once and keeps what every later page needs: the probabilities and the model.

    A trial of a sweep is compared by held-out images alone, and by these its dead units are counted. It keeps its
    weights, should it be the one chosen.
    """
    if not SweepStore(store.database).may_score(run.id):
        columns = _ended(status)
        event = f"{status.capitalize()} after {trainer.step:,} steps, a trial that has not seen the test set."
        files = _dead_units(trainer, trainer.validation.images)
        patiently(lambda: store.record(run.id, columns, files=files, event=event, holder=run.holder))
        return
    test = mnist.load("test")
    scores, probabilities = trainer.evaluation.evaluate(test)
    trainer.require_finite(scores["loss"])
    columns = _ended(status)
    columns |= {f"test_{name}": score for name, score in scores.items()}
    model = trainer.files() if isinstance(trainer.evaluation, Fitted) else {"model.keras": to_bytes(trainer.model)}
    _, of_held_out = trainer.evaluation.evaluate(trainer.validation)
    calibration = calibrate(trainer.validation.labels, of_held_out)
    files = model | _dead_units(trainer, test.images) | {
        "test_probabilities": array_bytes(probabilities),
        "calibration": calibration.to_json().encode(),
    }
    if trainer.config.fine_tuning:
        files |= measure(store, run.id, trainer, "after")
    event = f"{status.capitalize()} after {trainer.step:,} steps with {scores['accuracy']:.2%} on the test set."
    files |= {"checkpoint": None}
    patiently(lambda: store.record(run.id, columns, files=files, event=event, holder=run.holder))
    log.info("%s", event)


def _dead_units(trainer: Trainer | ClassicalTrainer, images: np.ndarray) -> dict[str, bytes]:
    """What the store keeps of a network's dead units, as these images show them."""
    if trainer.config.architecture.family != "network" or not len(images):
        return {}
    return {"health": health(trainer.model, images, trainer.config.data.scaled)}


def _ended(status: str) -> dict[str, Any]:
    columns = {"status": status, "wish": "", "ended": time.time()}
    # The word to stop, with the reason why, may come when nothing is left to be stopped.
    return columns | {"message": ""} if status == "finished" else columns


def _fail(store: RunStore, run_id: str, message: str, holder: str | None) -> str:
    try:
        columns = {"status": "failed", "message": message, "wish": "", "ended": time.time()}
        patiently(lambda: store.record(run_id, columns, event=message, holder=holder))
    except (UnknownRun, RunTaken) as error:
        return "deleted" if isinstance(error, UnknownRun) else "taken"
    return "failed"


@lru_cache(maxsize=1)
def _programs() -> Programs:
    return Programs(mnist.load("train"))
