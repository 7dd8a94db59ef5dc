"""How long a training will take, from its arithmetic and from what earlier runs on this engine took."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from statistics import median

from mnist_core.config import MNIST_IMAGES, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.models.plan import count_operations
from mnist_core.store.run import Run

# Measured on two cores of a server processor; earlier runs on this machine correct them.
MULTIPLICATIONS_PER_SECOND = {"dense": 4.5e10, "convolution": 8e10}
SECONDS_PER_STEP = {"dense": 3e-5, "convolution": 8e-4}
START_SECONDS = {"dense": 2.5, "convolution": 2.0}
"""Building and compiling, before the first step."""

SECONDS_PER_TAPE_STEP = 1e-3
"""What an explicit loop costs more for every step: Python is asked for each."""

SECONDS_PER_IMAGE = {"random_forest": 6e-6, "sgd_classifier": 1.5e-6}
"""Of a classical model, for one step: a tree, or a pass for one digit."""

PASSES = 40
"""After which one digit's classifier is usually done, however many passes are allowed."""

BACKWARD = 3
"""A training step costs about three forward passes: one forward, two for the gradients."""

RUNS_LOOKED_AT = 12
LONG_ENOUGH = 2.5
"""Seconds of training from which on a run tells a machine's pace: in shorter ones the first step weighs too much."""


def expected_seconds(config: RunConfig, pace: float = 1.0) -> float:
    """Seconds from a worker taking the run to its end, early stopping aside; ``pace`` is what ``correction`` gave."""
    return START_SECONDS[_kind(config)] + _training_seconds(config) * pace


def _training_seconds(config: RunConfig) -> float:
    architecture = config.architecture
    if architecture.family == "classical":
        steps = min(architecture.steps // architecture.rounds, PASSES) * architecture.rounds
        return SECONDS_PER_IMAGE[architecture.name] * config.training_images * steps
    kind = _kind(config)
    forward = count_operations(config.layers) / MULTIPLICATIONS_PER_SECOND[kind]
    held_out = MNIST_IMAGES * config.data.validation_fraction
    step = SECONDS_PER_STEP[kind] + (SECONDS_PER_TAPE_STEP if config.training.loop == "tape" else 0)
    epoch = config.steps_per_epoch * step + (config.training_images * BACKWARD + held_out) * forward
    return config.total_steps / config.steps_per_epoch * epoch


def correction(earlier: Iterable[Run]) -> float:
    """How much slower this machine has been than the constants say; 1 without earlier runs."""
    ratios = []
    for run in earlier:
        if run.status == "finished" and run.train_seconds > LONG_ENOUGH and run.progress:
            with suppress(ConfigError):  # of a run that another version made
                # Of the steps that were done: early stopping may have left most of them out.
                ratios.append(run.train_seconds / (_training_seconds(run.settings) * run.progress))
        if len(ratios) == RUNS_LOOKED_AT:
            break
    return median(ratios) if ratios else 1.0


def _kind(config: RunConfig) -> str:
    return "convolution" if config.architecture.convolutional else "dense"
