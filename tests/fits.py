"""Trainings of seconds, and what is seen of them."""

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.training.execution import Execution
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs

QUICK = {
    "architecture": {"hidden_units": [16]},
    "training": {"epochs": 2, "batch_size": 200, "precision": "float32"},
    "data": {"subset": 500},
}
CNN = {"name": "cnn", "blocks": [{"filters": 4, "kernel": 5}], "hidden_units": [8]}

CASES = {
    "mlp": {},
    "dropout and batch norm": {
        "architecture": {"hidden_units": [16, 8], "dropout": 0.4, "batch_norm": True},
        "optimizer": {"name": "sgd", "momentum": 0.9, "learning_rate": 0.1},
        "schedule": {"name": "one_cycle"},
    },
    "augmentation": {"augmentation": {"shift": 2.0, "rotate": 15.0}, "optimizer": {"name": "nadam"}},
    "plateau and early stopping": {
        "schedule": {"name": "plateau", "patience": 1},
        "training": {"early_stopping": 3, "epochs": 4},
        "optimizer": {"learning_rate": 0.1},
    },
    "cnn": {"architecture": CNN},
}


def config(**data):
    """A quick configuration, with what ``data`` changes in it."""
    return RunConfig.parse(data | {section: QUICK[section] | data.get(section, {}) for section in QUICK})


class Watch(keras.callbacks.Callback):
    """Keeps what happens, and stops at a step, in a validation or after an epoch with a checkpoint, if told to."""

    def __init__(self, stop_at=None):
        super().__init__()
        self.stop_at, self.checkpoint = stop_at, None
        self.epochs, self.batches, self.weights, self.calls = [], [], [], []

    def on_train_begin(self, logs=None):
        self.calls.append("begin")
        self.begun_at = self.trainer.step

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(logs)
        self._perhaps_stop(("step", self.trainer.step))

    def on_test_batch_end(self, batch, logs=None):
        self._perhaps_stop(("validation", batch))

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)
        self.weights.append(self.model.get_weights())
        self._perhaps_stop(("epoch", epoch + 1))

    def on_train_end(self, logs=None):
        self.calls.append("end")

    def _perhaps_stop(self, now):
        if now == self.stop_at:
            self.checkpoint = self.trainer.checkpoint()
            self.model.stop_training = True


UNCOMPILED = Execution("/CPU:0", "CPU", "float32", xla=False, reason="XLA takes a second to compile")


def train(config, digits, stop_at=None, resume_from=None, execution=UNCOMPILED):
    trainer, watch = Trainer(config, Programs(digits), execution), Watch(stop_at)
    trainer.fit([watch], resume_from)
    return trainer, watch


def state(trainer):
    return [np.asarray(v) for v in (*trainer.model.variables, *trainer.model.optimizer.variables)]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def assert_rows_equal(rows, others):
    """The same numbers but for the time they took; sums may round otherwise when slices were cut otherwise."""
    for a, b in zip(rows, others, strict=True):
        assert {**a, "seconds": 0} == pytest.approx({**b, "seconds": 0}, rel=1e-5)
