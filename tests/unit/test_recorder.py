"""The recorder, driven by hand: what it writes when, and how it obeys."""

from types import SimpleNamespace

import pytest
from sqlalchemy import update

from mnist_core.config import RunConfig
from mnist_core.engine import recorder
from mnist_core.engine.recorder import Recorder
from mnist_core.errors import RunTaken, UnknownRun
from mnist_core.store import RunStore, database
from mnist_core.store.tables import runs
from mnist_core.training.checkpoint import Position

pytestmark = pytest.mark.usefixtures("both_databases")

STEPS = 10
"""In an epoch; the run has three."""


class Script:
    """Stands in for the trainer: moves the position and calls the recorder as a training does."""

    def __init__(self, store, monkeypatch):
        self.store, self.run_id = store, store.create(RunConfig())
        self.now = 100.0
        clock = SimpleNamespace(monotonic=lambda: self.now, perf_counter=lambda: self.now, time=lambda: self.now)
        monkeypatch.setattr(recorder, "time", clock)
        self.sink = {}
        self.position, self.total_steps, self.checkpoints = Position(), 3 * STEPS, 0
        self.recorder = Recorder(store, self.run_id, self.sink)
        self.recorder.set_model(SimpleNamespace(stop_training=False))
        self.recorder.trainer = self
        store.start(self.run_id, "host:1", "CPU")

    @property
    def step(self):
        return self.position.epoch * STEPS + self.position.step

    def checkpoint(self):
        self.checkpoints += 1
        return f"epoch {self.position.epoch}, step {self.position.step}".encode()

    def begin(self):
        self.recorder.on_train_begin()

    def slice(self, steps=1, seconds=1.0, images=100):
        self.now += seconds
        self.position.step += steps
        self.sink.setdefault("batches", []).append({"step": self.step, "loss": 1.0, "accuracy": 0.5})
        self.recorder.on_train_batch_end(self.position.step - 1, {"images": images})

    def validate(self, seconds=1.0):
        self.now += seconds
        self.recorder.on_test_batch_end(0)

    def end_epoch(self, seconds=1.0):
        self.now += seconds
        self.position = Position(epoch=self.position.epoch + 1, train_seconds=self.now - 100)
        row = {"epoch": self.position.epoch, "step": self.step, "loss": 1.0, "accuracy": 0.5}
        self.sink.setdefault("epochs", []).append(row)
        self.recorder.on_epoch_end(self.position.epoch - 1, {})

    def end(self):
        self.recorder.on_train_end()

    @property
    def stopping(self):
        return self.recorder.model.stop_training

    @property
    def row(self):
        return self.store.get(self.run_id)

    @property
    def kept(self):
        data = self.store.load_blob(self.run_id, "checkpoint")
        return data and data.decode()


@pytest.fixture
def script(store, monkeypatch):
    return Script(store, monkeypatch)


def test_a_whole_run(script):
    script.begin()
    assert (script.row.step, script.row.steps) == (0, 30)
    for _ in range(3):
        for _ in range(2):
            script.slice(5)
        script.end_epoch()
    script.end()
    row = script.row
    assert (row.epoch, row.step, row.steps, row.progress) == (3, 30, 30, 1.0)
    assert row.train_seconds == pytest.approx(9.0)
    assert [r["epoch"] for r in script.store.epochs(script.run_id)] == [1, 2, 3]
    assert [r["step"] for r in script.store.batches(script.run_id)] == [5, 10, 15, 20, 25, 30]
    assert script.recorder.outcome == "finished"
    assert script.sink == {"batches": [], "epochs": []}  # emptied as it was written
    assert not script.stopping


def test_writes_are_throttled_but_nothing_is_left_out(script):
    script.begin()
    for _ in range(10):
        script.slice(1, seconds=recorder.WRITE_SECONDS / 4)
    assert [row["step"] for row in script.store.batches(script.run_id)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert script.row.step == 8
    script.end()
    assert script.row.step == 10
    assert len(script.store.batches(script.run_id)) == 10


def test_an_epoch_and_its_checkpoint_go_together_and_at_once(script):
    script.begin()
    script.slice(10, seconds=recorder.WRITE_SECONDS * 1.5)
    assert script.kept is None  # in the middle of an epoch nothing needs to be kept
    script.end_epoch(seconds=recorder.WRITE_SECONDS / 10)
    assert [row["epoch"] for row in script.store.epochs(script.run_id)] == [1]
    assert script.kept == "epoch 1, step 0"
    script.slice(2)
    assert script.kept == "epoch 1, step 0"
    assert script.checkpoints == 1


def test_epochs_that_follow_fast_share_a_write(script):
    script.begin()
    for _ in range(3):
        script.slice(10, seconds=recorder.WRITE_SECONDS / 8)
        script.end_epoch(seconds=recorder.WRITE_SECONDS / 8)
    assert [row["epoch"] for row in script.store.epochs(script.run_id)] == [1]
    script.slice(2, seconds=recorder.WRITE_SECONDS)
    assert [row["epoch"] for row in script.store.epochs(script.run_id)] == [1, 2, 3]
    assert script.kept == "epoch 3, step 2"
    assert script.checkpoints == 2


def test_pause_keeps_a_checkpoint_of_that_very_moment(script):
    script.begin()
    script.slice(4)
    script.store.ask(script.run_id, "pause")
    script.slice(2)
    assert script.stopping
    assert script.recorder.outcome == "paused"
    assert script.kept == "epoch 0, step 6"
    assert (script.row.status, script.row.wish, script.row.step) == ("paused", "", 6)
    assert script.row.ended is not None
    script.end()
    assert script.row.status == "paused"


def test_a_pause_is_obeyed_in_the_middle_of_a_validation(script):
    script.begin()
    script.slice(10)
    script.store.ask(script.run_id, "pause")
    script.validate(seconds=recorder.WRITE_SECONDS / 2)
    assert not script.stopping
    script.validate()
    assert script.stopping
    assert (script.row.status, script.row.epoch, script.row.step) == ("paused", 0, 10)
    assert script.kept == "epoch 0, step 10"


@pytest.mark.parametrize("wish", ["pause", "stop"])
def test_a_wish_after_the_last_step_lets_the_run_finish(script, wish):
    script.begin()
    script.position = Position(epoch=2)
    script.store.ask(script.run_id, wish)
    script.slice(10)
    script.end_epoch()
    script.end()
    assert script.recorder.outcome == "finished"


def test_stop_ends_the_training_and_leaves_the_rest_to_the_worker(script):
    script.begin()
    script.slice(4)
    script.store.ask(script.run_id, "stop")
    script.slice(2)
    assert script.stopping
    assert script.recorder.outcome == "stopped"
    assert script.row.status == "running"  # until the model is made
    script.end()
    assert script.row.step == 6


def test_a_wish_from_before_the_start_is_obeyed_before_the_first_step(script):
    script.store.ask(script.run_id, "stop")
    script.begin()
    assert script.stopping
    assert script.recorder.outcome == "stopped"


def test_a_resumed_run_starts_from_where_it_was(script):
    """A pause in that moment must not overwrite the checkpoint with an empty one."""
    script.position = Position(epoch=1, step=3)
    script.begin()
    assert (script.row.epoch, script.row.step) == (1, 13)
    script.store.ask(script.run_id, "pause")
    script.slice(1)
    assert script.kept == "epoch 1, step 4"


def test_what_came_after_the_checkpoint_is_written_anew(script):
    script.store.record(
        script.run_id,
        {"epoch": 1, "step": 17},
        [{"step": step, "loss": 9.0, "accuracy": 0.0} for step in (5, 10, 13, 15, 17)],
        [{"epoch": epoch, "step": 10 * epoch, "loss": 9.0, "accuracy": 0.0} for epoch in (1, 2)],
    )
    script.position = Position(epoch=1, step=3)
    script.begin()
    assert [row["step"] for row in script.store.batches(script.run_id)] == [5, 10, 13]
    assert [row["epoch"] for row in script.store.epochs(script.run_id)] == [1]
    assert script.row.step == 13


def test_a_stop_at_the_end_of_an_epoch_keeps_that_epoch(script):
    script.begin()
    script.store.ask(script.run_id, "stop")
    script.slice(10)
    script.end_epoch(seconds=0.01)
    script.end()
    assert script.recorder.outcome == "stopped"
    assert [row["epoch"] for row in script.store.epochs(script.run_id)] == [1]
    assert (script.row.epoch, script.row.step) == (1, 10)


def test_a_run_that_is_deleted_ends_the_training(script):
    script.begin()
    script.store.delete(script.run_id)
    with pytest.raises(UnknownRun):
        script.slice(1)


def test_rows_wait_while_the_database_is_locked_and_none_is_lost(settings, monkeypatch):
    monkeypatch.setattr(database, "LOCK_SECONDS", 0.05)
    store = RunStore(settings.database_url)
    script = Script(store, monkeypatch)
    script.begin()
    script.slice(5)
    with store.database.write() as blocker:
        blocker.execute(update(runs).values(note="somebody writes for long"))
        script.slice(5)
        script.end_epoch()
        script.slice(5)
        assert not script.stopping
        assert (script.row.step, store.epochs(script.run_id)) == (5, [])
    script.slice(1, seconds=recorder.BUSY_SECONDS + 1)
    assert [row["step"] for row in store.batches(script.run_id)] == [5, 10, 15, 16]
    assert [row["epoch"] for row in store.epochs(script.run_id)] == [1]
    assert script.kept == "epoch 1, step 6"
    store.database.close()


def test_a_worker_that_has_lost_the_run_ends_the_training_and_writes_nothing(script):
    script.recorder._holder = script.row.holder
    script.begin()
    script.slice(5)
    script.store.start(script.run_id, "host:2", "CPU")  # it was thought dead
    with pytest.raises(RunTaken):
        script.slice(5)
    assert [row["step"] for row in script.store.batches(script.run_id)] == [5]


def test_images_per_second_are_shown_smoothly(script):
    script.begin()
    script.slice(1, seconds=1.0, images=1000)
    assert script.row.images_per_second == pytest.approx(1000)
    script.slice(1, seconds=1.0, images=2000)
    share = recorder.PACE_MEMORY
    assert script.row.images_per_second == pytest.approx(share * 1000 + (1 - share) * 2000)
    # The time between epochs, for validation, is not counted.
    before = script.row.images_per_second
    script.end_epoch(seconds=60.0)
    script.slice(1, seconds=1.0, images=before)
    assert script.row.images_per_second == pytest.approx(before)
