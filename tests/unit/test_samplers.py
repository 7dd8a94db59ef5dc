"""Which of Optuna's samplers and pruners stands behind each name, with which options, and what tells it from chance."""

import math

import numpy as np
import optuna
import pytest
from scipy.stats import qmc

from mnist_core.config import RunConfig
from mnist_core.explore import study as studies
from mnist_core.explore.design import Design, Search, make_search
from mnist_core.explore.space import Dimension

RATE, DROPOUT = "optimizer.learning_rate", "architecture.dropout"


def design(**search):
    return Design(RunConfig(), (Dimension.parse(f"{RATE}=log:1e-4..1"), Dimension.parse(f"{DROPOUT}=0..0.5")),
                  make_search(search)).check()  # fmt: skip


@pytest.fixture
def made(monkeypatch):
    """What a function of ``explore.study`` makes of Optuna's classes: the thing, and the options that it was given."""

    def made(make, **search):
        options = {}
        for module in (optuna.samplers, optuna.pruners):
            for name in module.__all__:
                kind = getattr(module, name)
                if not isinstance(kind, type):
                    continue

                def begin(self, *args, kind=kind, init=kind.__init__, **given):
                    options[kind] = given
                    init(self, *args, **given)

                monkeypatch.setattr(kind, "__init__", begin)
        thing = make(design(**search))
        return type(thing), options.get(type(thing), {})

    return made


SAMPLERS = {
    "tpe": (optuna.samplers.TPESampler, {"seed": 7, "multivariate": True, "constant_liar": True}),
    "random": (optuna.samplers.RandomSampler, {"seed": 7}),
    "grid": (optuna.samplers.RandomSampler, {"seed": 7}),
    "qmc": (optuna.samplers.QMCSampler, {"seed": 7, "scramble": True}),
    "cmaes": (optuna.samplers.CmaEsSampler, {"seed": 7}),
}
PRUNERS = {
    "none": (optuna.pruners.NopPruner, {}),
    "median": (optuna.pruners.MedianPruner, {"n_startup_trials": 5}),
    "halving": (optuna.pruners.SuccessiveHalvingPruner, {"min_resource": 1}),
    "hyperband": (optuna.pruners.HyperbandPruner, {"min_resource": 1, "max_resource": 5}),
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_sampler_is_the_one_of_its_name(made, name):
    kind, options = SAMPLERS[name]
    found, given = made(studies.sampler, sampler=name, seed=7)
    assert found is kind
    assert options.items() <= given.items()


@pytest.mark.parametrize("name", PRUNERS)
def test_a_pruner_is_the_one_of_its_name(made, name):
    assert made(studies.pruner, pruner=name) == PRUNERS[name]


def test_every_name_that_is_offered_is_looked_at():
    offered = {spec.name: set(spec.choices) for spec in Search.specs()}
    assert (offered["sampler"], offered["pruner"]) == (set(SAMPLERS), set(PRUNERS))


def begin(**search):
    return studies.StudyOfSweep(design(**search), optuna.storages.InMemoryStorage(), "sweep")


@pytest.mark.parametrize("seed", range(5))
def test_quasi_random_points_lie_more_evenly_than_random_ones(seed):
    def unevenness(sampler):
        study = begin(sampler=sampler, seed=seed)
        points = [params for _, params in (study.ask() for _ in range(33))][1:]  # Optuna draws the first one of any
        return qmc.discrepancy([(1 + math.log10(p[RATE]) / 4, 2 * p[DROPOUT]) for p in points])

    assert unevenness("qmc") < unevenness("random") / 2


def test_cma_es_moves_its_cloud_and_does_not_only_draw():
    study, rates = begin(sampler="cmaes"), []
    for _ in range(60):
        number, params = study.ask()
        rates.append(math.log10(params[RATE]))
        study.tell(number, [-abs(rates[-1] + 1) - params[DROPOUT]])
    kept = study.study._storage.get_all_trials(study.study._study_id)
    assert any(key.startswith("cma:") for trial in kept for key in trial.system_attrs), "its state goes with trials"
    assert np.abs(np.array(rates[-12:]) + 1).mean() < np.abs(np.array(rates[:12]) + 1).mean() / 2
