"""Trials that a real engine gives up while a real worker trains them."""

from mnist_core.config import RunConfig
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.space import Dimension
from mnist_core.store.sweeps import SweepStore
from tests.helpers import eventually

EPOCHS = 400
SECONDS_LONG = RunConfig.parse(
    {
        "architecture": {"name": "softmax"},
        "data": {"subset": 1000, "validation_fraction": 0.02},
        "training": {"epochs": EPOCHS, "batch_size": 10},
    }
)
"""Of so many steps that the word to stop comes long before the end."""

RATE = "optimizer.learning_rate"


def test_a_hopeless_trial_is_given_up_while_it_trains(engine):
    _, store, client = engine
    client.wait()
    rates = Dimension.parse(f"{RATE}=0.001|1e-6|2e-6")
    search = make_search({"sampler": "grid", "pruner": "halving", "trials": 3, "parallel": 1})
    sweeps = SweepStore(store.database)
    sweep_id = sweeps.create(Design(SECONDS_LONG, (rates,), search))
    eventually(lambda: client.ensure() and not sweeps.get(sweep_id).active, 280)
    assert (sweeps.get(sweep_id).status, sweeps.get(sweep_id).message) == ("finished", "")
    first, *others = sweeps.trials(sweep_id)
    assert (first.state, store.get(first.run_id).epoch) == ("complete", EPOCHS)
    assert first.params[RATE] == 0.001, "in the order of this sampler's seed, so that the others have a better before"
    assert len(others) == 2
    for trial in others:
        run = store.get(trial.run_id)
        assert (trial.state, run.status, run.test_accuracy) == ("pruned", "stopped", None)
        assert trial.message.startswith("Given up after epoch ")
        given_up = int(trial.message.rpartition(" ")[2].removesuffix("."))
        assert given_up <= run.epoch < EPOCHS, "it ended where the word to stop reached it"
        assert [row["epoch"] for row in store.epochs(run.id)] == list(range(1, run.epoch + 1))
        assert trial.value < first.value
