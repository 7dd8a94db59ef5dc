"""Kills processes at random while runs of every kind train, and counts what is lost: nothing should be.

Train worker, predict worker, engine (with the scheduler in it) and web server get ``kill -9`` at random moments. What
ends by itself is started again as a user's open page and a process manager would. No run loses its worker more than
twice, since the third death marks a run as failed on purpose.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.report import arguments, finish, say
from mnist_core import logs
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.errors import LabError
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import HOST, engine_status
from mnist_core.store.run import DEATHS

ROOT = Path(__file__).parents[1]

SMALL = {"data": {"subset": 3000}, "augmentation": {"shift": 0.1}}
KINDS = {
    "softmax": {"architecture": {"name": "softmax"}, "training": {"epochs": 40, "batch_size": 20}, **SMALL},
    "mlp": {"architecture": {"name": "mlp"}, "training": {"epochs": 20, "batch_size": 50}, **SMALL},
    "cnn": {"architecture": {"name": "cnn"}, "training": {"epochs": 4, "batch_size": 50}, **SMALL},
    "sgd": {"architecture": {"name": "sgd_classifier"}, "data": {"subset": 20_000}},
    "forest": {"architecture": {"name": "random_forest"}, "data": {"subset": 20_000}},
}
"""Mixed runs of some seconds each: networks with augmentation, and classical models."""

VICTIMS = {"train worker": 4, "engine": 3, "web server": 2, "predict worker": 2}
"""With how much weight each is drawn."""

WAITING_RUNS = 2
LONGEST_PAUSE = 6.0
WHILE_STARTING = 0.3
"""Share of the kills that do not wait until something trains again."""

END_SECONDS = 900
"""For what is left when the last kill is done."""


@dataclass
class Chaos:
    """One data folder with everything that works on it."""

    settings: Settings
    store: RunStore
    client: EngineClient
    kinds: dict[str, RunConfig]
    rng: random.Random
    web: subprocess.Popen | None = None
    runs: dict[str, str] = field(default_factory=dict)
    killed: Counter = field(default_factory=Counter)

    def keep_up(self) -> None:
        """Does what an open page, its reader and a process manager do: nothing that knows of the kills."""
        if self.web is None or self.web.poll() is not None:
            self.web = self._start_web()
        with suppress(LabError):
            self.client.ensure()
            for run in self.store.list(statuses=("interrupted",)):
                self.store.resume(run.id)

    def feed(self) -> None:
        """Keeps runs waiting, each kind in its turn."""
        while len(self.store.queue()) < WAITING_RUNS:
            kind = list(self.kinds)[len(self.runs) % len(self.kinds)]
            self.runs[self.store.create(self.kinds[kind], kind)] = kind

    def strike(self) -> bool:
        """Kills one process; ``False`` if the one that was drawn is not there at this moment."""
        victim = self.rng.choices(list(VICTIMS), weights=list(VICTIMS.values()))[0]
        pid = {"train worker": self._trainer, "engine": self._engine, "web server": self._web}.get(
            victim, self._predictor
        )()
        if not pid:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[victim] += 1
            return True
        return False

    def trains(self) -> bool:
        """Whether a worker is training at this moment."""
        runs = self.store.list(statuses=("running",))
        return any(run.holder and time.time() - (run.beat or 0.0) < 1.0 for run in runs)

    def document(self, kills: int) -> dict[str, int]:
        """What came of it."""
        lacks = [lacking(self.store, run_id) for run_id in self.runs]
        lost = sum(self.store.get(run_id).status != "finished" for run_id in self.runs)
        duplicates, missing = (sum(column) for column in zip(*lacks, strict=True))
        return {
            "kills": kills,
            "runs": len(self.runs),
            "lost": lost,
            "duplicate_epochs": duplicates,
            "missing_epochs": missing,
            "other_numbers": self.unlike(),
        }

    def unlike(self) -> int:
        """Runs whose model gives other probabilities than most of the same configuration: resuming changed them."""
        found: dict[str, Counter] = {}
        for run_id, kind in self.runs.items():
            if (data := self.store.load_blob(run_id, "test_probabilities")) is not None:
                found.setdefault(kind, Counter())[data] += 1
        return sum(counts.total() - max(counts.values()) for counts in found.values())

    def end(self) -> None:
        if self.web is not None:
            self.web.terminate()
            self.web.wait()
        self.client.stop()
        self.client.close()
        self.store.database.close()

    def _start_web(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-m", "mnist_core", "serve"],
            cwd=ROOT,
            env=os.environ | self.settings.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _trainer(self) -> int:
        for run in self.store.list(statuses=("running",)):
            host, _, pid = run.worker.rpartition(":")
            if pid and host == HOST and run.deaths < DEATHS - 1 and psutil.pid_exists(int(pid)):
                return int(pid)
        return 0

    def _engine(self) -> int:
        return engine_status(self.store.database).pid

    def _web(self) -> int:
        with suppress(psutil.Error):
            children = psutil.Process(self.web.pid).children() if self.web else []
            return next((child.pid for child in children if "streamlit" in child.cmdline()), 0)
        return 0

    def _predictor(self) -> int:
        workers = engine_status(self.store.database).workers
        return next((worker["pid"] for worker in workers if worker["kind"] == "predict" and worker.get("pid")), 0)


def lacking(store: RunStore, run_id: str) -> tuple[int, int]:
    """How many epochs of a run stand in the store more than once, and how many of those that it completed do not."""
    steps = [row["step"] for row in store.epochs(run_id)]
    numbers = Counter(row["epoch"] for row in store.epochs(run_id))
    run = store.get(run_id)
    whole = run.settings.epochs if run.status == "finished" else run.epoch
    return len(steps) - len(set(steps)), len(set(range(1, whole + 1)) - set(numbers))


def chaos(kills: int, seed: int = 0, kinds: tuple[str, ...] = tuple(KINDS), longest: float = LONGEST_PAUSE) -> dict:
    """Kills so often, waits for the end of all runs, and gives the document."""
    with tempfile.TemporaryDirectory() as home:
        settings = Settings.from_environment({"MNIST_LAB_HOME": home, "MNIST_LAB_IDLE_SECONDS": "5"})
        store = RunStore(settings.database_url)
        configs = {kind: RunConfig.parse(KINDS[kind]) for kind in kinds}
        world = Chaos(settings, store, EngineClient(settings, store), configs, random.Random(seed))
        try:
            return _play(world, kills, longest)
        finally:
            world.end()


def _play(world: Chaos, kills: int, longest: float) -> dict:
    done, strike_at, deadline, at_once = 0, time.monotonic() + longest, float("inf"), False
    while time.monotonic() < deadline:
        world.keep_up()
        if done < kills:
            world.feed()
            if not at_once and not world.trains():
                strike_at = time.monotonic() + world.rng.uniform(0, longest)
            elif time.monotonic() >= strike_at and world.strike():
                done += 1
                strike_at = time.monotonic() + world.rng.uniform(0, longest)
                at_once = world.rng.random() < WHILE_STARTING
                say(f"{done} of {kills} kills, {len(world.runs)} runs: {dict(world.killed)}")
        elif deadline == float("inf"):
            deadline = time.monotonic() + END_SECONDS
        elif not any(world.store.get(run_id).active for run_id in world.runs):
            break
        time.sleep(0.05)
    document = world.document(done)
    for run in world.store.list():
        if run.status != "finished":
            say(f"{run.id} {run.name}: {run.status} {run.message}")
    if document["lost"]:
        for line in logs.recent(world.settings.log_file):
            say(f"{line['time']} {line['process']} {line['run']}: {line['message']} {line.get('error', '')}")
    return document


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how many (20)")
    parser.add_argument("--seed", type=int, default=0, help="of the victims and moments (0)")


def main() -> None:
    options = arguments(__doc__, repeats=None, add=_options)
    finish(chaos(options.kills, options.seed), options.json)


if __name__ == "__main__":
    main()
