"""Samplers and pruners with scripted objectives, and studies that are opened anew."""

import math
import threading

import optuna
import pytest

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError, StoreBusy
from mnist_core.explore import study as studies
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.size import UNITS
from mnist_core.explore.space import Dimension
from tests.helpers import assert_friendly

RATE, DROPOUT = "optimizer.learning_rate", "architecture.dropout"


@pytest.fixture
def storage(store, settings):
    return studies.storage(settings.database_url)


@pytest.fixture
def begin(storage):
    def begin(*over, name="sweep", **search):
        over = over or (f"{RATE}=log:1e-5..1", f"{DROPOUT}=0..0.5")
        design = Design(RunConfig(), tuple(map(Dimension.parse, over)), make_search(search)).check()
        return studies.StudyOfSweep(design, storage, name)

    return begin


def hill(params):
    """1 at a rate of 0.01 and no dropout, less all around."""
    return 1 - 0.1 * abs(math.log10(params[RATE]) + 2) - params.get(DROPOUT, 0)


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cmaes"])
def test_samplers_keep_to_the_ranges_and_come_near_the_top(begin, sampler):
    study, values = begin(sampler=sampler), []
    for expected in range(40):
        number, params = study.ask()
        assert number == expected
        assert 1e-5 <= params[RATE] <= 1
        assert 0 <= params[DROPOUT] <= 0.5
        values.append(hill(params))
        study.tell(number, [values[-1]])
    assert max(values) > 0.8
    if sampler in ("tpe", "cmaes"):  # those that learn do better later
        assert sum(values[20:]) > sum(values[:20])


def test_the_same_seed_proposes_the_same(begin):
    def first(name, seed):
        return [begin(name=name, sampler="random", seed=seed).ask()[1] for _ in range(1)]

    assert first("a", 1) == first("b", 1) != first("c", 2)


def test_a_grid_visits_every_combination_once_and_ends_quietly(begin):
    study, seen = begin(f"{UNITS}=16|32|64", "architecture.activation=relu|tanh", sampler="grid"), []
    for _ in range(6):
        number, params = study.ask()
        seen.append((params[UNITS], params["architecture.activation"]))
        study.tell(number, [0.5])
    assert sorted(seen) == sorted((u, a) for u in (16, 32, 64) for a in ("relu", "tanh"))


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc", "cmaes"])
def test_a_sampler_made_anew_does_not_repeat_itself(begin, sampler):
    def three(name):
        study = begin(name=name, sampler=sampler, seed=7)
        return [tuple(study.ask()[1].values()) for _ in range(3)]

    seen = three("a") + three("a") + three("a")
    assert len(set(seen)) == 9
    assert seen == three("b") + three("b") + three("b"), "the same seed, opened anew at the same trials, is the same"


def test_a_grid_tries_again_what_was_stopped_or_lost_and_nothing_else(begin):
    over, points = (f"{UNITS}=16|32|64", "seed=1|2"), {(u, s) for u in (16, 32, 64) for s in (1, 2)}
    study, asked = begin(*over, sampler="grid"), []
    for _ in range(5):
        _, params = study.ask()
        asked.append((params[UNITS], params["seed"]))
    study.tell(0, [0.5])
    study.tell(2, None, again=True)
    after = begin(*over, sampler="grid")
    after.catch_up({3}, {1: None})  # which cannot be built: once is enough
    rest = {(p[UNITS], p["seed"]) for _, p in (after.ask() for _ in range(3))}
    assert rest == {asked[2], asked[4]} | (points - set(asked))
    with pytest.raises(ConfigError) as error:
        after.ask()
    assert_friendly(error, "has been tried")


def test_a_point_that_was_only_put_in_the_line_is_asked_for_next(begin):
    """The engine ended, or the database refused, between the two steps of asking."""
    study = begin(f"{UNITS}=16|32", sampler="grid")
    study._enqueue_untried()
    (waiting,) = study.study.get_trials(states=(optuna.trial.TrialState.WAITING,))
    after = begin(f"{UNITS}=16|32", sampler="grid")
    after.catch_up(set(), {})
    number, params = after.ask()
    assert (number, params[UNITS]) == (waiting.number, waiting.system_attrs["fixed_params"][UNITS])


def test_lists_come_back_as_they_were(begin):
    study = begin("architecture.hidden_units=32|64,32", sampler="grid")
    assert {study.ask()[1]["architecture.hidden_units"] for _ in range(2)} == {(32,), (64, 32)}


@pytest.mark.parametrize("pruner", ["median", "halving", "hyperband"])
def test_pruners_give_up_the_bad_and_never_the_best(begin, pruner):
    study, pruned = begin(f"{RATE}=log:1e-5..1", sampler="random", pruner=pruner), set()
    best = 30
    for trial in range(best + 1):
        number, _ = study.ask()
        quality = 1.0 if trial == best else 0.9 - 0.02 * trial
        for epoch in range(1, 6):
            if study.report(number, epoch, quality * epoch / 5):
                pruned.add(trial)
                study.tell(number, None, pruned=True)
                break
        else:
            study.tell(number, [quality])
    assert pruned
    assert best not in pruned
    assert len(study.study.get_trials(states=[optuna.trial.TrialState.PRUNED])) == len(pruned)


def test_hyperband_knows_how_long_trials_of_the_same_steps_train(begin):
    """About 4,000 steps of 128 are nine or ten epochs, though five are set."""
    study = begin(f"{RATE}=log:1e-5..1", sampler="random", pruner="hyperband", steps=4000)
    assert study.study.pruner._max_resource == study._design.configure({}).epochs != 5


def test_without_a_pruner_nothing_is_given_up(begin):
    study = begin()
    for _ in range(10):
        number, _ = study.ask()
        assert not study.report(number, 1, 0.0)
        study.tell(number, [0.0])


def test_a_study_goes_on_after_a_restart(begin):
    before = begin()
    for _ in range(3):
        number, params = before.ask()
        before.tell(number, [hill(params)])
    open_number, _ = before.ask()
    untold, _ = before.ask()
    lost, _ = before.ask()
    after = begin()
    after.catch_up({open_number}, {0: [0.1], untold: [0.75]})
    assert not after.report(open_number, 1, 0.5)
    after.tell(open_number, [0.5])
    states = [trial.state.name for trial in after.study.get_trials()]
    assert states == ["COMPLETE"] * 5 + ["FAIL"]
    assert after.study.trials[untold].value == 0.75 and after.study.trials[0].value != 0.1
    assert after.ask()[0] == lost + 1


def test_what_was_told_is_told_once(begin):
    study = begin()
    number, _ = study.ask()
    study.tell(number, [0.25])
    study.tell(number, [0.75])
    assert study.study.trials[number].value == 0.25
    assert not study.report(number, 3, 0.1)


@pytest.mark.parametrize(
    ("objective", "front"),
    [("accuracy and parameters", [[0.8, 10.0], [0.9, 100.0]]), ("loss and parameters", [[0.7, 50.0], [0.8, 10.0]])],
)
def test_two_objectives_make_a_front(begin, objective, front):
    study = begin(objective=objective)
    for values in ([0.9, 100], [0.8, 10], [0.7, 50]):
        study.tell(study.ask()[0], values)
    assert sorted(trial.values for trial in study.study.best_trials) == front


def test_importances_name_what_matters(begin):
    study = begin(sampler="random")
    assert study.importances() == {}
    for _ in range(40):
        number, params = study.ask()
        study.tell(number, [-abs(math.log10(params[RATE]) + 2)])
    found = study.importances()
    assert found[RATE] > found[DROPOUT] >= 0
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize("objective", ["accuracy", "loss", "accuracy and seconds", "loss and seconds"])
def test_what_decides_who_is_best_matters_more_than_what_decides_who_is_worst(begin, objective):
    study, sign = begin(sampler="random", objective=objective), -1 if objective.startswith("loss") else 1
    for _ in range(80):
        number, params = study.ask()
        merit = 0 if params[DROPOUT] > 0.43 else 2 if params[RATE] > 0.2 else 1
        study.tell(number, [sign * merit, 1.0][: 1 + ("seconds" in objective)])
    found = study.importances()
    assert found[RATE] > found[DROPOUT]


def test_importances_of_a_small_grid_tell_settings_apart(begin):
    """Of one best trial both settings would matter alike."""
    study = begin(f"{UNITS}=16|64|256", "seed=1|2|3", sampler="grid")
    for _ in range(9):
        number, params = study.ask()
        study.tell(number, [params[UNITS] / 300 + params["seed"] / 1000])
    assert study.importances()[UNITS] > 0.75


def test_importances_are_silent_where_there_is_nothing_to_say(begin):
    study = begin(sampler="random")
    for value in (0.5, 0.5, 0.5, 0.75):
        assert study.importances() == {}
        study.tell(study.ask()[0], [value])
    assert sum(study.importances().values()) == pytest.approx(1)


def test_optuna_and_the_store_share_the_database_file(begin, store):
    """Writers take turns: neither refuses because of the other."""
    study, problems = begin(sampler="random"), []

    def runs():
        try:
            for _ in range(60):
                store.create(RunConfig())
        except Exception as error:
            problems.append(error)

    other = threading.Thread(target=runs)
    other.start()
    for _ in range(25):
        study.tell(study.ask()[0], [0.5])
    other.join()
    assert not problems
    assert len(store.list()) == 60
    assert len(study.study.trials) == 25


def test_optunas_connections_to_the_file_are_as_the_stores(storage, store):
    """Whoever writes copies SQLite's log when it has grown: with its own settings Optuna would do so far too often."""
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
    with storage.engine.connect() as optunas, store.database.read() as ours:
        for pragma in pragmas:
            values = [connection.exec_driver_sql(f"PRAGMA {pragma}").scalar() for connection in (optunas, ours)]
            assert values[0] == values[1], pragma


def test_a_locked_database_is_busy_and_not_a_bug(store, settings, monkeypatch):
    monkeypatch.setattr(studies, "LOCK_SECONDS", 0.05)
    design = Design(RunConfig(), (Dimension.parse(f"{RATE}=log:1e-5..1"),), make_search({}))
    study = studies.StudyOfSweep(design, studies.storage(settings.database_url), "sweep")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET wish = ''")
        with pytest.raises(StoreBusy, match="tried again"):
            study.ask()
    assert study.ask()[0] >= 0
