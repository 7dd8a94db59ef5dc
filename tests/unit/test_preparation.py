"""What readers ask of a run while its worker draws the pictures that it is to learn from."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.data import others, sketch
from mnist_core.engine import jobs, recorder

QUICK = {
    "architecture": {"name": "softmax"},
    "data": {"subset": 500, "not_digits": 40},
    "training": {"epochs": 2, "batch_size": 100},
    "augmentation": {"shift": 0.1},  # so that XLA, which takes seconds to compile, is left out
}


@pytest.fixture
def drawing(store, monkeypatch):
    """A run that draws pictures to learn from beside MNIST's; what is asked of it, is asked while it draws."""
    run_id, asked = store.create(RunConfig.parse(QUICK)), []

    def framed(picture):
        if len(asked) == 1:
            asked.append(store.ask(run_id, asked[0]))
        return sketch.framed(picture)

    others._series.cache_clear()
    monkeypatch.setattr(others, "framed", framed)
    monkeypatch.setattr(recorder, "WRITE_SECONDS", 0)
    yield run_id, asked
    others._series.cache_clear()


def test_a_run_is_taken_back_while_its_pictures_are_drawn(store, train, drawing):
    run_id, asked = drawing
    asked.append("stop")
    answer, run = train(run_id)
    assert answer == run.status == "cancelled" and run.step == 0 and not run.wish
    told = [row["text"] for row in store.events(run_id)]
    assert told[-2:] == [recorder.DRAWS, recorder.TAKEN_BACK]
    assert len(others._series(0)._drawn) == 1


def test_a_run_that_is_paused_while_its_pictures_are_drawn_goes_on_from_there(store, train, drawing):
    run_id, asked = drawing
    asked.append("pause")
    answer, run = train(run_id)
    assert answer == run.status == "paused" and not run.wish
    store.resume(run_id)
    answer, run = train(run_id)
    assert answer == run.status == "finished" and run.step == run.steps


def pause_at(where, store, train, run_id):
    """Trains until a call of the recorder's, pauses there, and has the run wait for a fresh worker."""
    going_on = getattr(recorder.Recorder, where)

    def pause_after(self, number, logs=None):
        going_on(self, number, logs)
        store.ask(run_id, "pause")
        self._write()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recorder.Recorder, where, pause_after)
        assert train(run_id)[0] == "paused"
    store.resume(run_id)
    others._series.cache_clear()
    jobs._programs.cache_clear()
    return store.get(run_id)


@pytest.mark.parametrize("where", ["on_epoch_end", "on_test_batch_end"])
def test_a_run_with_weights_that_is_to_stop_while_its_pictures_are_drawn_keeps_them(store, train, drawing, where):
    """Paused after an epoch, or in its validation, when all of its steps are done."""
    run_id, asked = drawing
    before = pause_at(where, store, train, run_id)
    asked.append("stop")
    answer, run = train(run_id)
    assert answer == run.status == "stopped" and run.epoch == 1 and run.usable
    assert run.step == before.step
    assert len(others._series(0)._drawn) == 1, "nothing more is drawn for it"
    begun = store.create(RunConfig.parse(QUICK))
    assert train(begun)[0] == "finished", "what was made for the stopped one is not taken for others"


def test_a_stop_is_kept_though_nothing_can_be_written_when_it_comes_to_it(store, train, drawing, monkeypatch):
    """Nobody reads the wish again of a run that has nothing to learn from."""
    run_id, asked = drawing
    pause_at("on_epoch_end", store, train, run_id)
    asked.append("stop")
    monkeypatch.setattr(recorder.Recorder, "_write", lambda self: None)
    answer, run = train(run_id)
    assert answer == run.status == "stopped" and run.epoch == 1 and run.usable
