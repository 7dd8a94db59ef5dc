"""Fine-tuning on own drawings, as a worker does it, in this process and on few images."""

import json

import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine import jobs, reading
from mnist_core.errors import ConfigError, UnknownRun
from mnist_core.explore.design import Design
from mnist_core.explore.space import Dimension
from mnist_core.store.fine_tuning import fine_tune, handwriting, measured, repeat
from tests.helpers import assert_friendly

QUICK = {
    "architecture": {"name": "mlp", "hidden_units": [32]},
    "data": {"subset": 800},
    "training": {"epochs": 3, "batch_size": 10, "precision": "float32"},
    "augmentation": {"shift": 0.1},  # so that XLA, which takes seconds to compile, is left out
}
OTHERS = {
    "raw variables": {"architecture": {"name": "softmax", "api": "variables"}},
    "subclassed, logits": {"architecture": {"api": "subclassed", "output": "logits", "batch_norm": True}},
    "explicit loop, others": {"training": {"loop": "tape"}, "data": {"not_digits": 40}},
    "convolutions": {"architecture": {"name": "cnn", "blocks": [{"filters": 4, "batch_norm": True}], "dropout": 0.2}},
}


@pytest.fixture(autouse=True)
def _in_this_process(train_worker):
    """Programs are kept for a training set, and this one is not that of other tests."""
    jobs._programs.cache_clear()
    yield
    jobs._programs.cache_clear()


@pytest.fixture
def finished(store):
    """Trains a run as a worker does; gives it as it stands then."""

    def finished(run_id):
        jobs.train_run(run_id, store.database.url)
        run = store.get(run_id)
        assert (run.status, run.message) == ("finished", "")
        return run

    return finished


@pytest.fixture
def own(digits):
    """A hand that no network knows: digits that lie on their side."""
    chosen = np.flatnonzero(np.isin(digits.labels, [2, 4, 7]))[-48:]
    return mnist.Digits(np.rot90(digits.images[chosen], axes=(1, 2)).copy(), digits.labels[chosen])


@pytest.mark.usefixtures("both_databases")
def test_it_learns_the_hand_and_keeps_what_it_knew(store, finished, own):
    first = finished(store.create(RunConfig.parse(QUICK), "first"))
    run = finished(fine_tune(store, first.id, own))
    assert run.name == "first, my handwriting"
    before, after = (measured(store, run.id, when) for when in ("before", "after"))
    assert before["mnist"] == pytest.approx(first.test_accuracy), "it begins with those very weights"
    assert after["mnist"] == pytest.approx(run.test_accuracy)
    held_back = handwriting(store, run.id).held_back
    right = [np.mean(np.array(found["held_back"]) == held_back.labels) for found in (before, after)]
    assert len(held_back) == 12 and right[0] < 0.5 and right[1] > right[0] + 0.3
    assert after["mnist"] > before["mnist"] - 0.03
    probabilities = reading.predict_run(run.id, held_back.images, store.database.url)
    assert probabilities.argmax(axis=1).tolist() == after["held_back"]
    # An epoch has MNIST's images and the drawings learned from, again and again.
    tuning = run.settings.fine_tuning
    assert (tuning.run, tuning.drawings) == (first.id, 36)
    assert run.steps == run.settings.total_steps == run.step


@pytest.mark.usefixtures("both_databases")
def test_it_can_be_repeated_when_drawings_and_network_are_gone(store, finished, own):
    first = finished(store.create(RunConfig.parse(QUICK)))
    run = finished(fine_tune(store, first.id, own))
    store.delete(first.id)
    again = finished(repeat(store, run))
    assert again.id != run.id and again.config == run.config
    ours, theirs = (store.load_array(one.id, "test_probabilities") for one in (run, again))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert measured(store, again.id, "after") == measured(store, run.id, "after")


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS)
def test_networks_of_every_kind_begin_with_the_weights_of_the_other_run(store, finished, own, changes):
    data = {section: QUICK[section] | changes.get(section, {}) for section in QUICK}
    if "name" in changes.get("architecture", {}):
        data["architecture"] = changes["architecture"]
    data["training"] = data["training"] | {"epochs": 1}
    first = finished(store.create(RunConfig.parse(data)))
    run = finished(fine_tune(store, first.id, own))
    assert measured(store, run.id, "before")["mnist"] == pytest.approx(first.test_accuracy)


def test_it_goes_on_after_a_pause(store, finished, own):
    first = finished(store.create(RunConfig.parse(QUICK)))
    run_id, straight = fine_tune(store, first.id, own), finished(fine_tune(store, first.id, own))
    store.mark_running(run_id)
    store.ask(run_id, "pause")
    assert jobs.train_run(run_id, store.database.url) == "paused"
    assert store.get(run_id).step < straight.steps
    store.resume(run_id)
    run = finished(run_id)
    np.testing.assert_allclose(
        store.load_array(run.id, "test_probabilities"), store.load_array(straight.id, "test_probabilities"), atol=1e-6
    )


def test_what_cannot_be_begun_is_refused_in_words(store, own):
    waiting = store.create(RunConfig.parse(QUICK))
    with pytest.raises(ConfigError) as refused:
        fine_tune(store, waiting, own)
    assert_friendly(refused, "no model")
    with pytest.raises(UnknownRun):
        fine_tune(store, "gone", own)


def test_its_settings_alone_are_no_fine_tuning(store):
    config = RunConfig.parse(QUICK | {"fine_tuning": {"run": "flagship", "drawings": 30, "often": 5}})
    with pytest.raises(ConfigError) as refused:
        store.create(RunConfig.parse(json.loads(config.to_json())))
    assert_friendly(refused, "My handwriting")
    with pytest.raises(ConfigError) as refused:
        Design(config, (Dimension("optimizer.learning_rate", 0.001, 0.1),)).check()
    assert_friendly(refused, "My handwriting")
    assert not store.queue()
