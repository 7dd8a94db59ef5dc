"""What a visitor may do with the store: own runs all, others' none, and no more than the limits."""

import os
from dataclasses import replace

import numpy as np
import pytest

from mnist_core.acting import Acting
from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.errors import NotAllowed, OverLimit
from mnist_core.explore.questions import QUESTIONS
from mnist_core.handwriting import EPOCHS
from mnist_core.models.upload import Upload
from mnist_core.store.drawings import Drawings
from mnist_core.store.queue import count_waiting
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.store.sweeps import SweepStore
from mnist_core.store.visitors import VisitorStore
from mnist_core.visitors import visitor_id
from tests.helpers import assert_friendly

pytestmark = pytest.mark.usefixtures("both_databases")

ANNA, BEN = visitor_id("cookie", "anna"), visitor_id("cookie", "ben")
DESIGN = QUESTIONS["learning-rate"].design


@pytest.fixture
def act(settings, store):
    """Makes the hands of a visitor; ``pin`` and other settings as they are given."""

    def act(who, **changes):
        changed = replace(settings, **changes)
        return Acting(changed, store, VisitorStore(store.database).get(who, changed.teacher_pin))

    return act


CHANGES = {
    "stop": lambda acting, run: acting.ask(run, "stop"),
    "pause": lambda acting, run: acting.ask(run, "pause"),
    "resume": lambda acting, run: acting.resume(run),
    "name and note": lambda acting, run: acting.describe(run, "mine now", "!"),
    "delete": lambda acting, run: acting.delete(run),
}
SWEEP_CHANGES = {
    "stop": lambda acting, sweep: acting.stop_search(sweep),
    "continue": lambda acting, sweep: acting.go_on(sweep, 1),
    "choose": lambda acting, sweep: acting.choose(sweep, "run"),
    "delete": lambda acting, sweep: acting.delete_sweep(sweep),
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_may_not_change_a_run_whose_owner_and_teacher_may(act, store, change):
    run_id = act(ANNA).train(RunConfig())
    before = store.get(run_id)
    assert before.owner == ANNA
    with pytest.raises(NotAllowed) as error:
        CHANGES[change](act(BEN), run_id)
    assert_friendly(error, VisitorStore(store.database).names([ANNA])[ANNA])
    assert store.get(run_id) == before
    CHANGES[change](act(ANNA), run_id)
    VisitorStore(store.database).set_teacher(BEN, "4711")
    again = act(ANNA).train(RunConfig())
    CHANGES[change](act(BEN, teacher_pin="4711"), again)
    with pytest.raises(NotAllowed):
        CHANGES[change](act(BEN, teacher_pin="another"), act(ANNA).train(RunConfig()))


@pytest.mark.parametrize("change", SWEEP_CHANGES)
def test_another_may_not_change_a_sweep(act, store, change):
    sweep_id = act(ANNA).search(DESIGN)
    before = SweepStore(store.database).get(sweep_id)
    with pytest.raises(NotAllowed):
        SWEEP_CHANGES[change](act(BEN), sweep_id)
    assert SweepStore(store.database).get(sweep_id) == before
    act(ANNA).stop_search(sweep_id)
    assert SweepStore(store.database).get(sweep_id).wish == "stop"


def test_what_a_command_made_is_everybodys_until_there_is_a_teacher(act, store):
    first, second = store.create(RunConfig()), store.create(RunConfig())
    assert store.get(first).owner == ""
    act(BEN).delete(first)
    with pytest.raises(NotAllowed):
        act(BEN, teacher_pin="4711").delete(second)


def test_a_sweeps_trials_are_its_owners(act, store):
    sweeps = SweepStore(store.database)
    sweep_id = act(ANNA).search(DESIGN)
    run_id = sweeps.add_trial(sweep_id, 0, {}, RunConfig(), "trial")
    assert store.get(run_id).owner == ANNA
    assert count_waiting(store.database, ANNA) == 1


def test_limits_hold_for_visitors(act, store):
    with pytest.raises(OverLimit) as error:
        act(ANNA, most_parameters=1000).train(RunConfig())
    assert_friendly(error, "MNIST_LAB_PARAMETERS")
    with pytest.raises(OverLimit):
        act(ANNA, most_epochs=1).search(DESIGN)
    assert store.list() == []

    for _ in range(2):
        act(ANNA, most_waiting=2).train(RunConfig())
    for more in (lambda a: a.train(RunConfig()), lambda a: a.search(DESIGN)):
        with pytest.raises(OverLimit) as error:
            more(act(ANNA, most_waiting=2))
        assert_friendly(error, "MNIST_LAB_WAITING")
    act(BEN, most_waiting=2).train(RunConfig())  # each visitor has their own
    paused = store.list(first=ANNA)[0].id
    act(ANNA).ask(paused, "pause")
    act(ANNA, most_waiting=2).resume(paused)


def test_a_full_store_takes_nothing_new_and_lets_delete(act, store):
    run_id = act(ANNA).train(RunConfig())
    most = store.database.stored_bytes() // 1_000_000 + 1
    store.keep(run_id, "model.keras", os.urandom(2_000_000))  # a database may press what repeats itself
    assert store.database.stored_bytes() > 1_000_000 * most
    full = act(ANNA, stored_megabytes=most)
    for more in (lambda: full.train(RunConfig()), lambda: full.upload(None, Upload("x.keras", b""))):
        with pytest.raises(OverLimit) as error:
            more()
        assert_friendly(error, "MNIST_LAB_STORED_MEGABYTES")
    full.delete(run_id)
    full.train(RunConfig())


def test_a_full_store_keeps_no_drawing_and_lets_go_of_those_it_has(act, store):
    own = Drawings(store.database, ANNA)
    for name in ("kept", "new"):
        own.remember(name, np.zeros((28, 28), np.uint8), [], "1", 0.5)
    act(ANNA).keep_drawing("kept", 1)
    store.keep(store.create(RunConfig()), "model.keras", os.urandom(2_000_000))
    full = act(ANNA, stored_megabytes=1)
    with pytest.raises(OverLimit) as error:
        full.keep_drawing("new", 1)
    assert_friendly(error, "MNIST_LAB_STORED_MEGABYTES")
    assert [drawing.id for drawing in own.kept()] == ["kept"]
    full.keep_drawing("kept", None)
    assert own.kept() == []


def test_an_upload_is_whose_it_is_and_within_the_limits(act, store):
    asked = []

    class Engine:
        def add_upload(self, *arguments):
            asked.append(arguments)
            run_id = store.create(RunConfig(), owner=ANNA)
            store.record(run_id, {"status": "finished", "parameters": 1000})
            return run_id

    upload = object()
    run_id = act(ANNA, most_parameters=1000).upload(Engine(), upload, "theirs")
    assert [run.id for run in store.list()] == [run_id]
    with pytest.raises(OverLimit) as error:
        act(ANNA, most_parameters=999).upload(Engine(), upload)
    assert_friendly(error, "1,000", "999", "MNIST_LAB_PARAMETERS")
    assert [run.id for run in store.list()] == [run_id], "nothing of it is kept"
    assert asked == [(upload, "theirs", ANNA), (upload, "", ANNA)]


@pytest.fixture
def own():
    """Drawings enough to be learned from."""
    images = np.random.default_rng(0).integers(0, 255, (12, 28, 28), np.uint8)
    return Digits(images, np.arange(12, dtype=np.uint8) % 3)


def test_a_fine_tuning_is_whose_it_is_and_within_the_limits(act, store, own):
    run_id = act(ANNA).fine_tune(FLAGSHIP, own)
    assert store.get(run_id).owner == ANNA
    # Whosever it was: it holds all that it began from.
    assert store.get(act(BEN).fine_tune_again(run_id)).owner == BEN
    for refused in (lambda: act(BEN, most_waiting=1).fine_tune_again(run_id),
                    lambda: act(ANNA, most_parameters=10).fine_tune(FLAGSHIP, own)):  # fmt: skip
        with pytest.raises(OverLimit) as error:
            refused()
        assert_friendly(error)
    assert len(store.list()) == 2


def test_a_fine_tuning_is_limited_by_its_own_epochs_and_not_by_those_it_begins_from(act, store, own):
    assert store.get(FLAGSHIP).settings.epochs > EPOCHS
    run_id = act(ANNA, most_epochs=EPOCHS).fine_tune(FLAGSHIP, own)
    few = act(ANNA, most_epochs=EPOCHS - 1)
    for refused in (lambda: few.fine_tune(FLAGSHIP, own), lambda: few.fine_tune_again(run_id)):
        with pytest.raises(OverLimit) as error:
            refused()
        assert_friendly(error, "MNIST_LAB_EPOCHS", EPOCHS)
    assert len(store.list()) == 1


def test_what_was_accepted_goes_on_and_needs_only_a_place_in_the_queue(act, store):
    run_id = act(ANNA).train(RunConfig())
    act(ANNA).ask(run_id, "pause")
    store.keep(run_id, "model.keras", os.urandom(2_000_000))
    act(ANNA, stored_megabytes=1, most_parameters=10, most_epochs=1).resume(run_id)
    assert store.get(run_id).status == "queued"
    act(ANNA).ask(run_id, "pause")
    act(ANNA).train(RunConfig())
    with pytest.raises(OverLimit) as error:
        act(ANNA, most_waiting=1).resume(run_id)
    assert_friendly(error, "MNIST_LAB_WAITING")
