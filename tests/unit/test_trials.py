"""What a train worker does with a trial of a sweep, in this process and on few images."""

import json

import pytest

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine import jobs
from tests.searches import design

QUICK = {
    "architecture": {"hidden_units": [16]},
    "data": {"subset": 500},
    "training": {"epochs": 1, "batch_size": 100},
    "augmentation": {"shift": 0.1},  # so that XLA, which takes seconds to compile, is left out
}


@pytest.fixture
def trial(sweeps):
    """Puts a trial in the queue, and gives its run."""

    def trial(**changes):
        config = RunConfig.parse(QUICK | changes)
        return sweeps.add_trial(sweeps.create(design()), 0, {}, config, "trial")

    return trial


def test_the_dead_units_of_a_trial_are_counted_on_held_out_images(store, trial, train, digits, monkeypatch):
    counted, health = [], jobs.health

    def load(part):
        assert part == "train", "a trial does not see the test set"
        return digits

    monkeypatch.setattr(mnist, "load", load)
    monkeypatch.setattr(jobs, "health", lambda *given: counted.append(len(given[1])) or health(*given))
    run_id = trial(optimizer={"name": "sgd", "learning_rate": 0.1})
    assert train(run_id)[1].status == "finished"
    assert counted == [round(len(digits.images) * RunConfig().data.validation_fraction)]
    (share,) = json.loads(store.load_blob(run_id, "health")).values()
    assert 0 <= share < 0.5
    assert store.load_blob(run_id, "checkpoint") and not store.load_blob(run_id, "model.keras")


def test_a_trial_of_a_classical_model_has_no_units(store, trial, train):
    run_id = trial(architecture={"name": "random_forest", "trees": 4}, augmentation={})
    assert train(run_id)[1].status == "finished"
    assert store.load_blob(run_id, "health") is None
