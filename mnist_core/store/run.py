"""One run as pages and workers see it, and what its status means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.models.architecture import Architecture

WAITING, LIVE = ("queued",), ("running",)
RESUMABLE = ("paused", "interrupted")
USABLE = ("finished", "stopped")
"""Statuses of runs that have a model to evaluate and to predict with."""

DEATHS = 3
"""Of its worker, after which a run is given up: whatever kills it would do so again."""

KILLED = (
    "Its worker process died three times, most likely for lack of memory. "
    "Try fewer units or filters, or a smaller batch size."
)


PARSED = 2000
"""Configurations that a process remembers, some kilobytes each: a page of a thousand runs checks them once."""


@lru_cache(maxsize=PARSED)
def _parsed(config: str) -> RunConfig:
    return RunConfig.parse(config)


@dataclass(frozen=True)
class Run:
    """One row of the runs table; times in seconds since 1970, accuracy as a fraction 0..1."""

    id: str
    name: str
    note: str
    recipe: str
    config: str
    parameters: int
    status: str
    """queued, running, paused, interrupted, stopped, finished, failed or cancelled."""
    wish: str
    """What a reader asked of the worker and it has not done yet: ``stop``, ``pause`` or nothing."""
    message: str
    created: float
    queued: float
    started: float | None
    ended: float | None
    beat: float | None
    worker: str
    device: str
    epoch: int
    """Completed epochs."""
    step: int
    steps: int
    """Steps done, and steps in all (0 before the first)."""
    train_seconds: float
    images_per_second: float | None
    test_loss: float | None
    test_accuracy: float | None
    holder: str = ""
    """Names the one training that may write to a run that is running; a worker that lost the run has another."""
    deaths: int = 0
    """How often a worker died while it trained this run. Nothing sets it back."""
    owner: str = ""
    """The visitor whose it is (``mnist_core.visitors``); empty for what a command on the machine made."""

    @cached_property
    def settings(self) -> RunConfig:
        return _parsed(self.config)

    @property
    def summary(self) -> str:
        """The configuration in one line; readable also when another version of MNIST Lab wrote it."""
        try:
            return self.settings.summary()
        except ConfigError:
            return "made by another version of MNIST Lab"

    @property
    def architecture(self) -> Architecture | None:
        """What it is a run of; ``None`` when another version of MNIST Lab wrote its configuration."""
        try:
            return self.settings.architecture
        except ConfigError:
            return None

    @property
    def uploaded(self) -> bool:
        """Whether it was trained elsewhere, and came as a file."""
        try:
            return not self.settings.architecture.trainable
        except ConfigError:
            return False

    @property
    def told(self) -> bool:
        """Whether its settings tell all that it learned from: not so where it was trained elsewhere, or on drawings
        that an earlier version did not write down."""
        tuning = self.settings.fine_tuning
        return not self.uploaded and (tuning is None or bool(tuning.digest))

    @property
    def origin(self) -> str:
        """Where it comes from: ``uploaded``, a recipe's name, or settings of one's own."""
        return "uploaded" if self.uploaded else self.recipe or "own settings"

    @property
    def usable(self) -> bool:
        """Whether it has a model; a trial of a sweep has one when it was chosen and scored."""
        return self.status in USABLE and self.test_accuracy is not None

    @property
    def active(self) -> bool:
        return self.status in WAITING + LIVE

    @property
    def resumed(self) -> bool:
        """Whether it has been back in the queue since it first began."""
        return self.started is not None and self.queued > self.started

    @property
    def images_trained(self) -> int:
        """How many images it has learned from so far, each counted as often as it was used; 0 where nobody counts."""
        if not self.steps or self.architecture is None or self.architecture.family == "classical":
            return 0  # a forest draws images with repetition, and a pass of SGD may end early
        config = self.settings
        epochs, steps = divmod(self.step, config.steps_per_epoch)
        return epochs * config.training_images + steps * min(config.training.batch_size, config.training_images)

    @property
    def progress(self) -> float:
        """Share of all steps done, 0..1."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    @property
    def ended_early(self) -> bool:
        """Whether early stopping ended it before its last step."""
        return self.status == "finished" and self.step < self.steps
