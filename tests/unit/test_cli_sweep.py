"""The command ``sweep`` by its words: what of it reaches the store, and what it says at the end. Nothing trains."""

import contextlib
import json

import pytest

from mnist_core import cli
from mnist_core.cli import sweep
from mnist_core.config import RunConfig
from mnist_core.store.sweeps import SweepStore
from tests.helpers import assert_friendly

UNITS = "architecture.units"


@pytest.fixture
def call(capsys, monkeypatch):
    """Runs the command, with trials of these values in place of an engine's."""

    def call(*arguments, trials=((0.9, None),)):
        def follow(sweeps, client, sweep_id):
            for number, (first, second) in enumerate(trials):
                sweeps.add_trial(sweep_id, number, {UNITS: 2 ** (4 + number)}, RunConfig(), "trial")
                made = sweeps.trials(sweep_id)[-1]
                sweeps.update_trial(made, state="complete", value=first, second=second)
            sweeps.update(sweep_id, status="finished")
            return sweeps.get(sweep_id)

        monkeypatch.setattr(sweep, "engine", lambda settings, store: contextlib.nullcontext())
        monkeypatch.setattr(sweep, "follow", follow)
        return cli.main(["sweep", "--over", f"{UNITS}=log:16..256", *map(str, arguments)]), *capsys.readouterr()

    return call


def stored(store):
    (found,) = SweepStore(store.database).list()
    return found


def test_every_option_of_the_search_reaches_the_stored_design(call, store):
    asked = {"sampler": "qmc", "pruner": "halving", "objective": "loss", "trials": 7, "parallel": 3, "seconds": 90,
             "steps": 4000, "seed": 11}  # fmt: skip
    options = [word for name, value in asked.items() for word in (f"--{name}", value)]
    assert call(*options, "--name", "mine")[0] == 0
    assert stored(store).design.search.model_dump() == asked
    assert (stored(store).name, stored(store).trials) == ("mine", 7)


FRONT = ((0.9, 50.0), (0.8, 60.0), (0.7, 10.0))
"""The second is worse than the first in both."""


def test_with_two_objectives_the_last_line_names_the_front(call, store):
    code, out, _ = call("--objective", "accuracy and parameters", "--json", trials=FRONT)
    document = json.loads(out.splitlines()[-1])
    trials = SweepStore(store.database).trials(stored(store).id)
    assert code == 0
    assert document == {
        "sweep_id": stored(store).id, "trials": 3, "best_run_id": trials[0].run_id, "best_value": 0.9,
        "best_params": {UNITS: 16}, "front": [trials[0].run_id, trials[2].run_id],
    }  # fmt: skip


def test_with_two_objectives_the_front_is_told_in_words(call, store):
    _, out, _ = call("--objective", "accuracy and parameters", trials=FRONT)
    first, other, third = (trial.run_id for trial in SweepStore(store.database).trials(stored(store).id))
    told = out.partition("On the Pareto front (held-out accuracy and parameters):\n")[2].splitlines()
    assert told[0] == f"  {first}  0.9000 and 50 with units of a hidden layer 16"
    assert told[1] == f"  {third}  0.7000 and 10 with units of a hidden layer 64"
    assert other not in out


def test_with_one_objective_there_is_no_front(call):
    assert "front" not in json.loads(call("--json")[1].splitlines()[-1])
    assert "front" not in call()[1]


def test_a_recipe_without_held_out_images_gets_some_and_that_is_said(call, store):
    code, _, err = call("--recipe", "mlp-100-100")
    assert code == 0
    told = err.strip().splitlines()[0]
    assert_friendly(told, "mlp-100-100 holds no images out", "10%", "data.validation_fraction=0.1")
    assert stored(store).design.base.data.validation_fraction == 0.1


@pytest.mark.parametrize(("arguments", "fraction"), [
    (["--recipe", "mlp-100-100", "--set", "data.validation_fraction=0.2"], 0.2),
    (["--recipe", "mlp-100-100", "--over", "data.validation_fraction=0.1..0.3"], 0.0),
    (["--recipe", "quick"], RunConfig().data.validation_fraction),
])  # fmt: skip
def test_who_says_what_is_held_out_gets_that(call, store, arguments, fraction):
    code, _, err = call(*arguments)
    assert code == 0
    assert "holds no images out" not in err
    assert stored(store).design.base.data.validation_fraction == fraction


def test_who_wants_none_held_out_is_still_refused(call, store):
    code, _, err = call("--recipe", "mlp-100-100", "--set", "data.validation_fraction=0")
    assert code == 2
    assert_friendly(err.strip(), "held-out")
    assert SweepStore(store.database).list() == []
