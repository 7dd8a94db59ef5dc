"""Optuna's side of a sweep: who proposes settings, who gives trials up early, and its memory in our database.

Only the engine opens a study. Everything that pages show stands in the store's own rows (``store.sweeps``).
"""

from __future__ import annotations

import itertools
import json
import logging
import random
import warnings
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial, TrialState
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from mnist_core.errors import ConfigError, StoreBusy
from mnist_core.explore.design import OBJECTIVES, Design
from mnist_core.explore.space import Dimension
from mnist_core.store.database import LOCK_SECONDS, prepare_sqlite

STARTUP_TRIALS = 5
"""Trials that are never pruned, to have something to compare with (Optuna's own default for the median)."""

PREFIX = "sweep-"
"""How the names of our studies begin; the sweep's id follows."""

AGAIN = "again"
"""Optuna's mark on a failed trial that says nothing about its settings: a grid visits them once more."""

BEST_SHARE, BEST_LEAST = 0.1, 3
"""The best trials, of which importances are: a tenth, as Optuna has it, but no fewer than three, or half of few. The
single best one of a small grid has a value of every setting, which tells nothing of any."""

for _name in ("optuna", "alembic"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class StudyOfSweep:
    """A study that proposes (``ask``), follows (``report``) and learns (``tell``); made anew after a restart.

    Raises:
        StoreBusy: from every method, when the database is locked or full for the moment.
    """

    def __init__(self, design: Design, storage: optuna.storages.BaseStorage, name: str):
        self._design = design
        self._distributions = {dimension.key: distribution(dimension) for dimension in design.space}
        directions = [direction for _, direction in OBJECTIVES[design.search.objective]]
        with _busy():
            self.study = optuna.create_study(
                storage=storage, study_name=name, directions=directions, load_if_exists=True, pruner=pruner(design)
            )
            self.study.sampler = sampler(design, len(self.study.get_trials(deepcopy=False)))
        self._trials: dict[int, Trial] = {}

    def ask(self) -> tuple[int, dict[str, Any]]:
        """The number of the next trial and its settings. ``ConfigError`` when a grid is through."""
        with _busy():
            if self._design.search.sampler == "grid":
                self._enqueue_untried()
            trial = self.study.ask(self._distributions)
        self._trials[trial.number] = trial
        return trial.number, {d.key: decoded(d, trial.params[d.key]) for d in self._design.space}

    def report(self, number: int, epoch: int, value: float) -> bool:
        """Tells the value after an epoch, and gives whether the trial should be given up."""
        # A trial that was told before the engine died is not to be reported on again.
        with _busy(), suppress(optuna.exceptions.UpdateFinishedTrialError):
            trial = self._trial(number)
            with warnings.catch_warnings():
                # An engine that takes over tells epochs again. Optuna keeps the first, which is the same, and warns.
                warnings.filterwarnings("ignore", message=".*already reported")
                trial.report(value, epoch)
            return trial.should_prune()
        return False

    def tell(self, number: int, values: list[float] | None, pruned: bool = False, again: bool = False) -> None:
        """Tells how a trial has ended: its objectives, or ``None`` if it failed. Told again, it changes nothing.

        Args:
            again: it was stopped from outside, so that a grid should visit its settings once more.
        """
        state = TrialState.PRUNED if pruned else TrialState.COMPLETE if values else TrialState.FAIL
        with _busy():
            if again and self._design.search.sampler == "grid":
                with suppress(optuna.exceptions.UpdateFinishedTrialError):
                    self._trial(number).set_user_attr(AGAIN, True)
            told = values if state is TrialState.COMPLETE else None
            self.study.tell(number, told, state=state, skip_if_finished=True)
        self._trials.pop(number, None)

    def catch_up(self, training: set[int], ended: Mapping[int, list[float] | None]) -> None:
        """Ends trials that still seem to train here: those that have ``ended``, with their objectives where they were
        completed, and those that never became runs or were stopped unheard, whose settings may be tried again.

        Those that were only put in the line are the next to be asked for; Optuna lets nobody end them.
        """
        with _busy():
            for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                if trial.number in ended:
                    self.tell(trial.number, ended[trial.number])
                elif trial.number not in training:
                    self.tell(trial.number, None, again=True)

    def importances(self) -> dict[str, float]:
        """How much each setting matters for doing best by the first objective: how far the settings of the best trials
        differ from those of all (PED-ANOVA, Watanabe et al. 2023).

        Empty while there are too few trials to say, or when all did alike.
        """
        # Given a target, Optuna asks what makes it low, whatever the study's direction.
        sign = -1 if OBJECTIVES[self._design.search.objective][0][1] == "maximize" else 1
        with _busy(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of an interface that may change: our bounds hold it
            done = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            if len({trial.values[0] for trial in done}) < 2:
                return {}  # where Optuna gives all settings equal shares
            best = max(BEST_SHARE, min(1 / 2, BEST_LEAST / len(done)))
            method = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=best)
            try:
                found = optuna.importance.get_param_importances(
                    self.study, evaluator=method, target=lambda trial: sign * trial.values[0]
                )
            except (ValueError, RuntimeError):
                return {}
        return {key: float(value) for key, value in found.items() if value == value}

    def _enqueue_untried(self) -> None:
        """The next point of the grid that no trial stands for; in an order drawn by the seed, so part of it is fair.

        Optuna's own ``GridSampler`` counts failed trials as visited, for whatever reason they failed.
        """
        trials = self.study.get_trials(deepcopy=False)
        if any(trial.state is TrialState.WAITING for trial in trials):
            return  # left by an attempt that the database refused halfway
        space = self._design.space
        tried = {tuple(t.params.get(d.key) for d in space) for t in trials if not t.user_attrs.get(AGAIN)}
        points = list(itertools.product(*([encoded(d, value) for value in d.grid()] for d in space)))
        random.Random(self._design.search.seed).shuffle(points)
        point = next((point for point in points if point not in tried), None)
        if point is None:
            raise ConfigError("Every combination of this grid has been tried. Begin a sweep with more of them.")
        self.study.enqueue_trial({d.key: value for d, value in zip(space, point, strict=True)})

    def _trial(self, number: int) -> Trial:
        if number not in self._trials:
            known = next(t for t in self.study.get_trials(deepcopy=False) if t.number == number)
            self._trials[number] = Trial(self.study, known._trial_id)
        return self._trials[number]


def storage(url: str) -> optuna.storages.BaseStorage:
    """Optuna's tables in the store's database; their names and ours differ."""
    options = {"connect_args": {"timeout": LOCK_SECONDS}} if url.startswith("sqlite") else {"pool_pre_ping": True}
    with _busy():
        kept = optuna.storages.RDBStorage(url, engine_kwargs=options)
        if url.startswith("sqlite"):
            event.listen(kept.engine, "connect", prepare_sqlite)
            kept.engine.dispose()  # of those that it has opened before
    # Optuna leaves its connections open, of which Python complains from 3.13 on.
    weakref.finalize(kept, kept.engine.dispose)
    return kept


def forget_gone(storage: optuna.storages.BaseStorage, known: set[str]) -> None:
    """Deletes Optuna's memory of sweeps that were deleted; ``known`` are the names of those that are there."""
    with _busy():
        for name in optuna.get_all_study_names(storage):
            if name.startswith(PREFIX) and name not in known:
                optuna.delete_study(study_name=name, storage=storage)


def sampler(design: Design, asked: int = 0) -> optuna.samplers.BaseSampler:
    """Who proposes.

    Args:
        asked: how many trials there are. A sampler that is made anew begins its chance anew, and with the same seed
            it would propose the same once more; so the seed comes from both numbers.
    """
    first = design.search.seed
    seed = int(np.random.SeedSequence([first, asked]).generate_state(1)[0]) if asked else first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, says Optuna of some; our bounds hold them
        match design.search.sampler:
            case "tpe":
                # Trials run side by side, so one that still trains counts as a bad guess: no two go to one place.
                return optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
            case "random" | "grid":  # of a grid every point is enqueued, and nothing is left to chance
                return optuna.samplers.RandomSampler(seed=seed)
            case "qmc":
                # Optuna keeps the place in the sequence by its seed; only what comes before it begins is drawn.
                drawn = optuna.samplers.RandomSampler(seed=seed)
                return optuna.samplers.QMCSampler(
                    seed=first, scramble=True, independent_sampler=drawn, warn_independent_sampling=False
                )
            case _:
                return optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False)


def pruner(design: Design) -> optuna.pruners.BasePruner:
    match design.search.pruner:
        case "median":
            return optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS)
        case "halving":
            return optuna.pruners.SuccessiveHalvingPruner(min_resource=1)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=max(design.lengths))
        case _:
            return optuna.pruners.NopPruner()


def distribution(dimension: Dimension) -> BaseDistribution:
    if dimension.choices:
        return CategoricalDistribution([encoded(dimension, choice) for choice in dimension.choices])
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def encoded(dimension: Dimension, value: Any) -> Any:
    """A choice as Optuna keeps it: lists as JSON text."""
    return json.dumps(value) if isinstance(value, (list, tuple)) else value


def decoded(dimension: Dimension, value: Any) -> Any:
    return next((c for c in dimension.choices if encoded(dimension, c) == value), value)


@contextmanager
def _busy() -> Iterator[None]:
    """Optuna's words for a locked or full database in ours: whoever asked may wait and ask again."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, DBAPIError) as error:
        raise StoreBusy("The database of sweeps could not be written; it will be tried again.") from error
