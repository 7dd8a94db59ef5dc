"""The design of a sweep: what it starts from, what varies, who proposes trials, and what counts as good."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from typing import Any, ClassVar, Literal

from pydantic import ValidationError

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.losses import not_one_measure, not_one_measure_in_training
from mnist_core.explore.size import LAYERS, UNITS, never_the_start
from mnist_core.explore.space import Dimension, configure, keys
from mnist_core.messages import sentences
from mnist_core.parts import Part, number, option, plain

MOST_DIMENSIONS = 10
MOST_TRIALS = 2000
MOST_COMBINATIONS = 1000

OBJECTIVES: dict[str, tuple[tuple[str, str], ...]] = {
    "accuracy": (("val_accuracy", "maximize"),),
    "loss": (("val_loss", "minimize"),),
    "accuracy and parameters": (("val_accuracy", "maximize"), ("parameters", "minimize")),
    "accuracy and seconds": (("val_accuracy", "maximize"), ("train_seconds", "minimize")),
    "loss and parameters": (("val_loss", "minimize"), ("parameters", "minimize")),
    "loss and seconds": (("val_loss", "minimize"), ("train_seconds", "minimize")),
}
"""What is sought, in order, and in which direction."""

HELD_OUT = {"data.validation_fraction", "data.split", "data.split_seed"}
"""Settings that decide which images are held out: runs that differ in one are judged by other images there."""

LENGTH = {
    "architecture.name", "data.subset", "data.validation_fraction", "data.not_digits", "data.written",
    "training.epochs", "training.steps", "training.batch_size",
}  # fmt: skip
"""Settings that decide together how many epochs a trial has; each number makes it longer all the way, or shorter,
but for ``training.steps`` of 0."""


class Search(Part):
    """How a sweep looks for good settings."""

    label: ClassVar[str] = "Search"
    sentence: ClassVar[str] = "Who proposes the next trial, which trials are given up early, and what counts as good."

    sampler: Literal["tpe", "random", "grid", "qmc", "cmaes"] = option(
        "tpe", "Sampler",
        "tpe learns from earlier trials where good ones lie; random draws blindly; grid visits every combination; "
        "qmc (quasi-random) spreads evenly; cmaes moves a cloud of numbers towards the best (ranges only).",
    )  # fmt: skip
    pruner: Literal["none", "median", "halving", "hyperband"] = option(
        "none", "Pruner",
        "Stops trials early: median those that are worse than half of the others at the same epoch; halving "
        "(successive halving) keeps the better part at every stage; hyperband does so with several lengths. "
        "All trials must train for the same number of epochs.",
    )  # fmt: skip
    objective: Literal[tuple(OBJECTIVES)] = option(
        "accuracy", "Objective",
        "On the held-out images: accuracy or loss; or one of them together with few parameters or little time, "
        "which gives not one best trial but a front of them.",
    )  # fmt: skip
    trials: int = number(20, 1, MOST_TRIALS, "Trials", "How many runs at most. A grid ends when it is through.")
    parallel: int = number(2, 1, 32, "At a time", "Trials proposed at a time; the workers decide how many train.")
    seconds: int = number(
        0, 0, 86_400, "Time limit in seconds",
        "After so long no trial begins any more; those in training are finished. Time in which the lab is closed "
        "does not count. 0 is no limit.",
    )  # fmt: skip
    steps: int = number(
        0, 0, 1_000_000, "Same number of steps",
        "Every trial trains for about so many steps, by whole epochs, whatever its batch size or images; "
        "0 leaves the epochs as they are set.",
    )  # fmt: skip
    seed: int = number(0, 0, 2**31 - 1, "Sampler seed", "Where the sampler's chance begins.")


@dataclass(frozen=True)
class Design:
    """A whole sweep as one value; JSON round trip by ``to_json`` and ``parse``.

    Raises:
        ConfigError: (from ``check`` and ``parse``) what does not fit together, and how to mend it.
    """

    base: RunConfig
    space: tuple[Dimension, ...]
    search: Search = field(default_factory=Search)

    @classmethod
    def parse(cls, text: str | bytes) -> Design:
        try:
            data = json.loads(text)
            base, space, search = dict(data["base"]), list(data["space"]), dict(data["search"])
            dimensions = tuple(Dimension.from_data(entry) for entry in space)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if isinstance(error, ConfigError):
                raise
            raise ConfigError("This is no design of a sweep: it needs base, space and search.") from None
        return cls(RunConfig.parse(base), dimensions, make_search(search)).check(kept=True)

    def to_json(self) -> str:
        """Compact JSON; the base by its differences from the defaults only, so that it fits into a link."""
        space = [{k: v for k, v in d.to_data().items() if (v == 0.0 and k == "low") or v} for d in self.space]
        return json.dumps(
            {
                "base": compact(self.base),
                "space": space,
                "search": self.search.model_dump(mode="json", exclude_defaults=True),
            },
            separators=(",", ":"),
        )

    def check(self, kept: bool = False) -> Design:
        """Itself, if it can be run.

        Args:
            kept: it was made before, and stands in a store or a link. What earlier versions let pass can be read still.
        """
        search, objectives = self.search, OBJECTIVES[self.search.objective]
        if self.base.not_enough:
            raise ConfigError(self.base.not_enough)
        if not 1 <= len(self.space) <= MOST_DIMENSIONS:
            raise ConfigError(
                f"A sweep varies 1 to {MOST_DIMENSIONS} settings, and this one {len(self.space)}. "
                f"Choose at least one, for example optimizer.learning_rate."
            )
        names = [dimension.key for dimension in self.space]
        if len(set(names)) < len(names):
            raise ConfigError(f"{max(names, key=names.count)} is varied twice. Name it once.")
        if search.sampler == "cmaes" and any(dimension.choices for dimension in self.space):
            raise ConfigError("CMA-ES varies numbers only, not choices. Give ranges, or take another sampler.")
        if search.sampler == "cmaes" and len(objectives) > 1:
            raise ConfigError("CMA-ES seeks one objective, not two. Take another sampler, or accuracy or loss alone.")
        if search.sampler == "cmaes" and len(self.space) < 2:
            raise ConfigError("CMA-ES needs two numbers to vary, not one. Add a range, or take another sampler.")
        if search.sampler == "grid" and self.combinations > MOST_COMBINATIONS:
            raise ConfigError(
                f"This grid has {self.combinations:,} combinations, but may have {MOST_COMBINATIONS:,} at most. "
                f"Give fewer points or choices, or take another sampler."
            )
        self._check_ignored(set(names))
        if not kept:
            self.check_used()
            for dimension in self.space:
                dimension.check()
        if search.pruner != "none" and len(objectives) > 1:
            raise ConfigError("Trials with two objectives cannot be pruned. Set the pruner to none.")
        if not self.base.data.validation_fraction and "data.validation_fraction" not in names:
            raise ConfigError(
                "A sweep decides by held-out images, but data.validation_fraction is 0. Hold out some, such as 0.1."
            )
        if not kept and any(d.key == "data.validation_fraction" and 0 in (d.choices or (d.low,)) for d in self.space):
            raise ConfigError(
                "data.validation_fraction may come to 0 here, but a sweep decides by held-out images. Let it be above "
                "0, for example 0.05..0.3."
            )
        lengths = self.lengths
        if search.pruner != "none" and len(lengths) > 1 and not kept:
            raise ConfigError(
                f"Trials of {min(lengths):,} to {max(lengths):,} epochs cannot be pruned: a pruner compares them after "
                "the same epoch, when one is nearly through and another has hardly begun. Set the pruner to none, or "
                "let all train for the same number of epochs."
            )
        return self

    def _check_ignored(self, names: set[str]) -> None:
        """Refuses settings that another one overrules: their trials would bear values that were never used."""
        made = names & {LAYERS, UNITS}
        if made and "architecture.hidden_units" in names:
            raise ConfigError(
                f"architecture.hidden_units and {min(made)} both set the hidden layers. Vary one of the two."
            )
        lengths = names & {"training.epochs", "training.steps"}
        if self.search.steps and lengths:
            raise ConfigError(
                f"{min(lengths)} cannot vary while all trials train for the same number of steps "
                f"({self.search.steps:,}). Set that to 0, or vary something else."
            )
        if "training.epochs" in names and (self.base.training.steps or "training.steps" in names):
            raise ConfigError(
                "training.epochs cannot vary where training.steps counts steps instead of epochs. "
                "Set training.steps to 0, or vary training.steps alone."
            )

    def check_used(self) -> None:
        """``ConfigError`` for settings that no model here uses: all trials would be the same, under other names."""
        models = {type(config.architecture): config for config in self._at_the_ends}
        used = {"seed"}.union(*(model.sections for model in models))
        if unused := [d.key for d in self.space if d.key.partition(".")[0] not in used]:
            called = " and ".join(model.label for model in models)
            others = (key for key in keys(next(iter(models.values()))) if not key.endswith(".name"))
            raise ConfigError(
                f"{unused[0]} has no effect on what is trained here ({called}), so trials would differ in name alone. "
                f"Take it out, and vary something else, for example {next(others)}."
            )

    @property
    def trials(self) -> int:
        """How many there will be: a grid has no more than its combinations."""
        return min(self.search.trials, self.combinations) if self.search.sampler == "grid" else self.search.trials

    @cached_property
    def lengths(self) -> set[int]:
        """How many epochs its trials have at the ends of what varies; ``ConfigError`` where one of them cannot be."""
        found = {config.epochs for config in self._at_the_ends}
        for values in self._longest_and_shortest():
            with suppress(ConfigError):  # A trial with such a combination fails, and says why.
                found.add(self.configure(values).epochs)
        return found

    @property
    def combinations(self) -> int:
        return math.prod(len(dimension.grid()) for dimension in self.space)

    @property
    def cautions(self) -> list[str]:
        """What differs between its trials, or from the start, besides what varies, a sentence each."""
        varied = {dimension.key: dimension for dimension in self.space}
        found = never_the_start(self.base.architecture, varied)
        if HELD_OUT & varied.keys():
            found.append(
                f"With {min(HELD_OUT & varied.keys())} the held-out images differ from trial to trial, and trials are "
                "judged by them: some of the difference is that of the images."
            )
        if "optimizer.name" in varied and "optimizer.learning_rate" not in varied:
            kinds = {name: self.configure({"optimizer.name": name}) for name in varied["optimizer.name"].grid()}
            rates = ", ".join(f"{name} {plain(config.optimizer.learning_rate)}" for name, config in kinds.items())
            found.append(
                f"Each optimizer trains at a rate of its own ({rates}): that of the start at its own, another at its "
                "usual one, since no rate suits them all. Vary optimizer.learning_rate too to see each at its best."
            )
        if OBJECTIVES[self.search.objective][0][0] == "val_loss" and self.unlike_losses:
            found.append(self.unlike_losses)
        return found

    @cached_property
    def unlike_losses(self) -> str:
        """Why the losses of its trials cannot be compared, as sentences; empty if they can."""
        return not_one_measure(self._at_the_ends)

    @cached_property
    def unlike_training_losses(self) -> str:
        """Why, besides that, the training losses of its trials cannot be compared; empty if they can."""
        return not_one_measure_in_training(self._at_the_ends)

    def configure(self, values: Mapping[str, Any]) -> RunConfig:
        """The configuration of a trial with these values."""
        return configure(self.base, values, self.search.steps)

    @cached_property
    def _at_the_ends(self) -> list[RunConfig]:
        """Each dimension at its ends or choices, the others at their first: what must be possible beforehand."""
        first = {dimension.key: dimension.grid()[0] for dimension in self.space}
        return [
            self.configure(first | {dimension.key: value})
            for dimension in self.space
            for value in dimension.choices or (dimension.grid()[0], dimension.grid()[-1])
        ]

    def _longest_and_shortest(self):
        """Every combination of the ends of what decides the number of epochs, the others at their first."""
        first, ends = {dimension.key: dimension.grid()[0] for dimension in self.space}, {}
        for dimension in self.space:
            if dimension.key in LENGTH:
                grid = dimension.grid()
                numbers = dimension.spec.kind in ("integer", "number")
                ends[dimension.key] = (min(grid, key=float), max(grid, key=float)) if numbers else grid
                if dimension.key == "training.steps" and ends[dimension.key][0] == 0:
                    ends[dimension.key] += (1,)  # 0 is no number of steps: trials go by epochs then
        yield from (first | dict(zip(ends, values, strict=True)) for values in product(*ends.values()))


def make_search(data: Mapping[str, Any]) -> Search:
    """From a form or a command line; ``ConfigError`` in words."""
    try:
        return Search.model_validate(dict(data))
    except ValidationError as error:
        raise ConfigError(" ".join(sentences(error, ()))) from None


def compact(config: RunConfig) -> dict[str, Any]:
    """Only what differs from the defaults, as ``RunConfig.parse`` takes it."""
    return config.model_dump(mode="json", exclude_defaults=True) | {
        section: {"name": getattr(config, section).name}
        | getattr(config, section).model_dump(mode="json", exclude_defaults=True)
        for section in ("architecture", "optimizer", "schedule")
        if getattr(config, section) != getattr(RunConfig(), section)
    }
