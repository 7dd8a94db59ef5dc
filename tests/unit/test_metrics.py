"""The metrics callback, fed with losses by hand."""

from collections import UserDict
from collections.abc import MutableMapping

import pytest

from mnist_core.training import metrics
from mnist_core.training.metrics import MetricsCallback


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(metrics, "time", clock)
    return clock


class Session(MutableMapping):
    """A mapping of one's own, as ``st.session_state`` is one."""

    def __init__(self):
        self._items = {}

    def __getitem__(self, key):
        return self._items[key]

    def __setitem__(self, key, value):
        self._items[key] = value

    def __delitem__(self, key):
        del self._items[key]

    def __iter__(self):
        return iter(self._items)

    def __len__(self):
        return len(self._items)


def batch(callback, step, loss, accuracy, images=100):
    callback.on_train_batch_end(step - 1, {"loss": loss, "accuracy": accuracy, "images": images, "step": step})


@pytest.mark.parametrize("sink", [{}, UserDict(), Session()], ids=lambda sink: type(sink).__name__)
def test_rows_go_into_any_mapping(sink, clock):
    callback = MetricsCallback(sink)
    callback.on_train_begin()
    assert (sink["epochs"], sink["batches"]) == ([], [])
    batch(callback, 1, 2.5, 0.125)
    callback.on_epoch_end(0, {"loss": 2.0, "accuracy": 0.25, "val_loss": 1.5, "seconds": 0.5, "step": 7.0})
    assert sink["batches"] == [{"step": 1, "loss": 2.5, "accuracy": 0.125}]
    assert sink["epochs"] == [{"epoch": 1, "step": 7, "loss": 2.0, "accuracy": 0.25, "val_loss": 1.5, "seconds": 0.5}]
    assert type(sink["epochs"][0]["step"]) is int
    assert len(sink) == 2


def test_points_come_no_faster_than_asked_for(clock):
    sink = {}
    callback = MetricsCallback(sink, point_seconds=0.5)
    callback.on_train_begin()
    for step in range(1, 21):  # 20 batches, 0.125 s apart
        batch(callback, step, 1.0, 0.5)
        clock.now += 0.125
    assert [row["step"] for row in sink["batches"]] == [1, 5, 9, 13, 17]


def test_a_point_is_the_mean_over_the_images_since_the_last(clock):
    sink = {}
    callback = MetricsCallback(sink, point_seconds=1.0)
    callback.on_train_begin()
    batch(callback, 1, 9.0, 0.0)  # a point of its own, and forgotten then
    batch(callback, 2, 4.0, 0.5, images=300)
    clock.now += 1.0
    batch(callback, 3, 2.0, 1.0, images=100)
    assert sink["batches"][1:] == [{"step": 3, "loss": (3 * 4.0 + 2.0) / 4, "accuracy": (3 * 0.5 + 1.0) / 4}]


def test_a_new_training_begins_afresh_but_keeps_the_rows(clock):
    sink = {}
    callback = MetricsCallback(sink, point_seconds=60.0)
    callback.on_train_begin()
    batch(callback, 1, 1.0, 1.0)
    batch(callback, 2, 100.0, 0.0)  # counted, not shown
    callback.on_train_begin()
    batch(callback, 1, 3.0, 0.5)  # shown at once, and without the 100
    assert sink["batches"] == [
        {"step": 1, "loss": 1.0, "accuracy": 1.0},
        {"step": 1, "loss": 3.0, "accuracy": 0.5},
    ]


def test_kerass_own_logs_will_do(clock):
    """``Model.fit`` gives neither the number of images nor the step."""
    sink = {}
    callback = MetricsCallback(sink)
    callback.on_train_begin()
    callback.on_train_batch_end(4, {"loss": 1.0, "accuracy": 0.5})
    callback.on_epoch_end(2, None)
    assert sink == {"batches": [{"step": 5, "loss": 1.0, "accuracy": 0.5}], "epochs": [{"epoch": 3}]}
