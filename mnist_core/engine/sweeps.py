"""Searches over settings as they run: proposes trials, watches them, prunes, and tells what came of each.

All state stands in the store and in Optuna's tables, so an engine that takes over goes on where another ended.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mnist_core.config import RunConfig
from mnist_core.diagnosis import DIVERGED, judged_by
from mnist_core.errors import ConfigError, LabError, OverLimit, StoreError, UnknownRun, UnknownSweep
from mnist_core.explore.space import shown
from mnist_core.parts import plain
from mnist_core.store import RunStore
from mnist_core.store.run import USABLE, Run
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.store.sweeps import CHECKPOINTS_KEPT, SweepStore

if TYPE_CHECKING:
    from mnist_core.explore.study import StudyOfSweep

log = logging.getLogger("mnist_core.engine")

LOOK_SECONDS = 0.2
"""Between two looks at the searches; a worker always has its next trial waiting meanwhile."""

MOST_PROPOSALS = 50
"""In one look: settings that cannot be trained are over at once, and the engine has other things to do between."""

IMPORTANCE_SECONDS = 3.0


class Sweeper:
    """Call ``tick`` often; it gives whether any search is under way.

    Args:
        check: raises ``OverLimit`` for settings that a visitor may not train.
        require_room: raises ``OverLimit`` when the database holds all that it may.
    """

    def __init__(
        self,
        store: RunStore,
        url: str,
        check: Callable[[RunConfig], None] = lambda config: None,
        require_room: Callable[[], None] = lambda: None,
    ):
        self._check, self._require_room = check, require_room
        self._runs, self._sweeps, self._url = store, SweepStore(store.database), url
        self._studies: dict[str, StudyOfSweep] = {}
        self._seen: dict[tuple[str, int], int] = {}
        self._weighed: dict[str, float] = {}
        self._full: dict[str, str] = {}
        self._storage = None
        self._next, self._active = 0.0, False

    def tick(self) -> bool:
        if time.monotonic() < self._next:
            return self._active
        active = False
        for sweep in self._sweeps.list(status="running"):
            try:
                if self._step(sweep):
                    active = True
                    self._sweeps.worked_on(sweep)
            except UnknownSweep:
                log.info("sweep %s was deleted", sweep.id)
            except StoreError:
                # A trial may have been asked for and not written down: the study is opened anew, without it.
                self._studies.pop(sweep.id, None)
                raise
            except Exception as error:
                # One search that cannot go on, for whatever reason, must not keep the others from theirs.
                log.exception("sweep %s cannot go on", sweep.id)
                message = str(error) if isinstance(error, LabError) else f"The search failed ({type(error).__name__})."
                self._fail(sweep, message)
        self._active = active
        self._next = time.monotonic() + LOOK_SECONDS
        return self._active

    def _step(self, sweep: Sweep) -> bool:
        """One look at a search; whether it waits for more than that somebody resumes a paused trial."""
        study = self._study(sweep)
        trials = self._sweeps.trials(sweep.id)
        limit = sweep.design.search.seconds
        late = bool(limit and sweep.seconds - sweep.spent >= limit)
        closing = late or sweep.wish == "stop" or sweep.id in self._full
        training = [trial for trial in trials if trial.open and not self._follow(sweep, study, trial, late)]
        still_open, asked = len(training), len(trials)
        most = min(sweep.trials, asked + MOST_PROPOSALS)
        while not closing and still_open < sweep.design.search.parallel and asked < most:
            if closing := self._finds_no_room(sweep):
                break
            still_open += self._propose(sweep, study)
            asked += 1
        if late and asked < sweep.trials:
            self._say_late(sweep)
        if not still_open and (closing or asked >= sweep.trials):
            self._weigh(sweep, study, at_once=True)
            full = self._full.get(sweep.id, "")
            self._end(sweep, "stopped" if full or sweep.wish == "stop" else "finished", full)
        if not training or still_open > len(training):
            return True
        paused = {run.id for run in self._runs.list(statuses=("paused",))}
        return not all(trial.run_id in paused for trial in training)

    def _follow(self, sweep: Sweep, study: StudyOfSweep, trial: Trial, late: bool) -> bool:
        """Looks after one trial; ``True`` when it has ended. ``late``: the time is over, so it may not begin now."""
        try:
            run = self._runs.get(trial.run_id or "")
        except UnknownRun:
            study.tell(trial.number, None)
            self._sweeps.update_trial(trial, state="failed", message="Its run was deleted.")
            return True
        too_late = late and run.status == "queued" and run.started is None
        if too_late:
            self._say_late(sweep)
        stopping = sweep.wish == "stop" or too_late
        if stopping and not run.wish and run.status not in (*USABLE, "failed", "cancelled"):
            run = self._runs.ask(run.id, "stop")
        if run.status == "interrupted" and not stopping:
            self._runs.resume(run.id)  # The store had refused its worker for long, and is there again.
        if run.status == "running":
            if trial.state == "waiting":
                self._sweeps.update_trial(trial, state="running")
            self._prune(sweep, study, trial, run)
        if run.status in (*USABLE, "failed", "cancelled"):
            self._tell(sweep, study, trial, run)
            return True
        return False

    def _say_late(self, sweep: Sweep) -> None:
        """Writes down, as long as nothing else ends it, that its time limit does."""
        if sweep.wish != "stop" and not sweep.message:
            limit = f"The time limit of {plain(sweep.design.search.seconds)} seconds was reached"
            self._sweeps.update(sweep.id, message=f"{limit} before all {plain(sweep.trials)} trials had begun.")

    def _prune(self, sweep: Sweep, study: StudyOfSweep, trial: Trial, run: Run) -> None:
        if sweep.design.search.pruner == "none" or run.wish:
            return
        if self._report(sweep, study, trial, run):
            # The message is what tells, also after a restart, that it was given up and not stopped by a reader.
            self._sweeps.update_trial(trial, message=f"Given up after epoch {self._seen[sweep.id, trial.number]}.")
            self._runs.ask(run.id, "stop")

    def _report(self, sweep: Sweep, study: StudyOfSweep, trial: Trial, run: Run) -> bool:
        """Tells new epochs to the pruner; ``True`` when it would rather give the trial up than train it further."""
        metric = sweep.objectives[0][0]
        key = sweep.id, trial.number
        for row in self._runs.epochs(run.id, after=self._seen.get(key, 0)):
            self._seen[key] = row["epoch"]
            worse = row[metric] is not None and study.report(trial.number, row["epoch"], row[metric])
            if worse and row["epoch"] < run.settings.epochs:
                return True
        return False

    def _tell(self, sweep: Sweep, study: StudyOfSweep, trial: Trial, run: Run) -> None:
        pruned = run.status == "stopped" and trial.message.startswith("Given up")
        if sweep.design.search.pruner != "none" and not pruned:
            self._report(sweep, study, trial, run)
        self._seen.pop((sweep.id, trial.number), None)
        values = self._values(sweep, run)
        columns = _columns(run, values)
        if pruned:
            study.tell(trial.number, None, pruned=True)
            self._sweeps.update_trial(trial, state="pruned", **columns)
        elif run.status == "finished" and values:
            study.tell(trial.number, values)
            self._sweeps.update_trial(trial, state="complete", message="", **columns)
        else:
            # Settings under which the loss runs away are bad ones, which the sampler should learn.
            bad = DIVERGED in run.message and len(sweep.objectives) == 1
            # Who stopped it had nothing against its settings, so they may be tried again.
            ended, state = run.status in ("stopped", "cancelled"), "failed"
            if ended:
                state, bad = "stopped", False
            study.tell(trial.number, None, pruned=bad, again=ended)
            message = run.message or ("It was stopped before its end." if ended else "It has no epoch to judge by.")
            self._sweeps.update_trial(trial, state=state, message=message, seconds=run.train_seconds)
        self._sweeps.forget_weights(sweep.id, self._best(sweep))
        self._weigh(sweep, study)

    def _values(self, sweep: Sweep, run: Run) -> list[float] | None:
        """The objectives of a run; ``None`` if it has no epoch to judge by."""
        row = judged_by(run.settings, self._runs.epochs(run.id), sweep.objectives[0][0])
        if row is None:
            return None
        known = row | {"parameters": run.parameters, "train_seconds": run.train_seconds}
        return [float(known[metric]) for metric, _ in sweep.objectives]

    def _best(self, sweep: Sweep) -> list[str]:
        done = [t for t in self._sweeps.trials(sweep.id) if t.state == "complete" and t.run_id]
        done.sort(key=lambda trial: trial.value, reverse=sweep.objectives[0][1] == "maximize")
        return [trial.run_id for trial in done[:CHECKPOINTS_KEPT]]

    def _finds_no_room(self, sweep: Sweep) -> bool:
        """Whether a visitor's search may add no more trials; it then ends with those that train, and says why."""
        try:
            if sweep.owner:
                self._require_room()
        except OverLimit as error:
            self._full[sweep.id] = str(error)
        return sweep.id in self._full

    def _propose(self, sweep: Sweep, study: StudyOfSweep) -> bool:
        """One more trial; ``False`` if its settings cannot be built or are over a limit, which counts as tried."""
        number, params = study.ask()
        try:
            config: RunConfig = sweep.design.configure(params)
            if sweep.owner:
                self._check(config)
        except (ConfigError, OverLimit) as error:
            self._sweeps.add_failed(sweep.id, number, params, str(error))
            study.tell(number, None)
            return False
        self._sweeps.add_trial(sweep.id, number, params, config, f"{sweep.name} · {shown(params)}")
        return True

    def _weigh(self, sweep: Sweep, study: StudyOfSweep, at_once: bool = False) -> None:
        """Which settings matter, from time to time."""
        if len(sweep.design.space) > 1 and (
            at_once or time.monotonic() - self._weighed.get(sweep.id, float("-inf")) >= IMPORTANCE_SECONDS
        ):
            self._sweeps.update(sweep.id, importances=study.importances())
            self._weighed[sweep.id] = time.monotonic()

    def _fail(self, sweep: Sweep, message: str) -> None:
        """Ends a search that cannot go on. Nothing will look after its open trials any more, so they end with it."""
        for trial in self._sweeps.trials(sweep.id):
            if trial.open:
                columns = {"state": "stopped", "message": "It ended with the search, which failed."}
                # A design that cannot be read may be why the search failed.
                with suppress(UnknownRun, ConfigError):
                    run = self._runs.ask(trial.run_id or "", "stop")
                    if run.status == "finished" and (values := self._values(sweep, run)):
                        columns = {"state": "complete", "message": ""} | _columns(run, values)
                self._sweeps.update_trial(trial, **columns)
        with suppress(UnknownSweep):  # deleted meanwhile
            self._sweeps.worked_on(sweep)  # What fails at the first look has not taken the time without any.
            self._end(sweep, "failed", message)

    def _end(self, sweep: Sweep, status: str, message: str = "") -> None:
        said = {"message": message} if message else {}
        self._sweeps.update(sweep.id, status=status, wish="", ended=time.time(), **said)
        self._studies.pop(sweep.id, None)
        self._full.pop(sweep.id, None)
        log.info("sweep %s: %s", sweep.id, status)

    def _study(self, sweep: Sweep) -> StudyOfSweep:
        if sweep.id not in self._studies:
            from mnist_core.explore import study  # Optuna, only where somebody searches

            if self._storage is None:
                self._storage = study.storage(self._url)
                study.forget_gone(self._storage, {study.PREFIX + known.id for known in self._sweeps.list()})
            self._studies[sweep.id] = study.StudyOfSweep(sweep.design, self._storage, study.PREFIX + sweep.id)
            trials = self._sweeps.trials(sweep.id)
            ended = {
                trial.number: trial.values if trial.state == "complete" else None
                for trial in trials
                if not trial.open and trial.state != "stopped"
            }
            self._studies[sweep.id].catch_up({trial.number for trial in trials if trial.open}, ended)
        return self._studies[sweep.id]


def _columns(run: Run, values: list[float] | None) -> dict[str, float | None]:
    """What a trial keeps of its run."""
    first, second = [*(values or ()), None, None][:2]
    return {"seconds": run.train_seconds, "value": first, "second": second}
