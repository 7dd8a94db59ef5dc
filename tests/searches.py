"""Searches for tests, and a worker that lives through their runs as a script says."""

import math
import time

from sqlalchemy import text

from mnist_core.config import RunConfig
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.space import Dimension

RATE = "optimizer.learning_rate"


def design(*over, base=None, **search):
    over = over or (f"{RATE}=log:1e-5..1",)
    return Design(RunConfig.parse(base or {"training": {"epochs": 3}}), tuple(map(Dimension.parse, over)),
                  make_search({"sampler": "random", "trials": 6} | search))  # fmt: skip


def quality(config):
    return max(0.1, 1 - 0.2 * abs(math.log10(config.optimizer.learning_rate) + 2))


def epoch_row(epoch, accuracy):
    row = {"epoch": epoch, "step": epoch * 10, "learning_rate": 0.1, "seconds": 0.1}
    return row | {"loss": 1.0, "accuracy": accuracy, "val_loss": 1 - accuracy, "val_accuracy": accuracy}


class Worker:
    """Takes runs from the queue and lives through them as a script says, one epoch a call."""

    def __init__(self, store, accuracy=quality):
        self.store, self.accuracy, self.trained = store, accuracy, []

    def take(self):
        waiting = self.store.queue()
        if waiting and self.store.mark_running(waiting[0]):
            self.trained.append(waiting[0])
            return self.store.get(waiting[0])
        return None

    def epoch(self, run, epoch):
        score = self.accuracy(run.settings) * epoch / run.settings.training.epochs
        columns = {"epoch": epoch, "step": epoch * 10, "train_seconds": 0.1 * epoch}
        return self.store.record(run.id, columns, epoch_rows=[epoch_row(epoch, score)], files={"checkpoint": b"w"})

    def end(self, run, status="finished", **columns):
        self.store.record(run.id, {"status": status, "wish": "", "ended": time.time()} | columns)

    def work(self, sweeper):
        """One run, with the sweeper looking on after every epoch."""
        run = self.take()
        if run is None:
            return False
        for epoch in range(1, run.settings.training.epochs + 1):
            self.epoch(run, epoch)
            sweeper.tick()
            if self.store.get(run.id).wish == "stop":
                self.end(run, "stopped")
                return True
        self.end(run)
        return True


def complete(sweeper, worker, sweep_id, sweeps):
    while sweeps.get(sweep_id).active:
        sweeper.tick()
        worker.work(sweeper)
    return sweeps.get(sweep_id), sweeps.trials(sweep_id)


def optunas_states(store):
    """How trials have ended as Optuna's own tables have it, in their order."""
    with store.database.read() as connection:
        return list(connection.execute(text("SELECT state FROM trials ORDER BY number")).scalars())
