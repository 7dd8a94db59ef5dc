"""The registry of learning-rate schedules: the rate of every step as a factor of the optimizer's rate.

A schedule is arithmetic on step numbers, so the page can draw it before training and a resumed run needs
no state of it. One class is one entry. Only *reduce on plateau* depends on what happens: Keras'
``ReduceLROnPlateau`` changes the optimizer's rate after an epoch.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from mnist_core.parts import Part, number


class Schedule(Part):
    """Base: ``factors`` of steps 0 .. total-1, where one epoch has ``per_epoch`` steps."""

    def factors(self, steps: np.ndarray, total: int, per_epoch: int) -> np.ndarray:
        """Factors on the learning rate, float64 of the shape of ``steps``; each above 0."""
        return np.ones(len(steps))


class Constant(Schedule):
    label: ClassVar[str] = "Constant"
    sentence: ClassVar[str] = "The same learning rate from the first step to the last."

    name: Literal["constant"] = "constant"


class WarmupCosine(Schedule):
    label: ClassVar[str] = "Warm-up and cosine"
    sentence: ClassVar[str] = "Rises in a straight line, then falls along half a cosine to almost nothing."

    name: Literal["warmup_cosine"] = "warmup_cosine"
    warmup: float = number(0.1, 0.0, 0.9, "Warm-up", "Share of all steps in which the rate rises.")
    floor: float = number(0.0, 0.0, 1.0, "Lowest factor", "What the rate falls to, as a share of its peak.")

    def factors(self, steps: np.ndarray, total: int, per_epoch: int) -> np.ndarray:
        rise = max(1, round(self.warmup * total)) if self.warmup else 0
        progress = np.clip((steps - rise) / max(1, total - rise), 0.0, 1.0)
        fall = self.floor + (1 - self.floor) * 0.5 * (1 + np.cos(np.pi * progress))
        return np.where(steps < rise, (steps + 1) / max(1, rise), fall)


class Step(Schedule):
    label: ClassVar[str] = "Step"
    sentence: ClassVar[str] = "Multiplies the rate by a factor every few epochs."

    name: Literal["step"] = "step"
    factor: float = number(0.5, 0.01, 1.0, "Factor", "What the rate is multiplied by.")
    every: int = number(5, 1, 500, "Every … epochs", "How many epochs pass between two cuts.")

    def factors(self, steps: np.ndarray, total: int, per_epoch: int) -> np.ndarray:
        return self.factor ** (steps // (self.every * per_epoch)).astype(float)


class Exponential(Schedule):
    label: ClassVar[str] = "Exponential"
    sentence: ClassVar[str] = "Falls by the same share in every step."

    name: Literal["exponential"] = "exponential"
    factor: float = number(0.9, 0.01, 1.0, "Factor per epoch", "What is left of the rate after one epoch.")

    def factors(self, steps: np.ndarray, total: int, per_epoch: int) -> np.ndarray:
        return self.factor ** (steps / per_epoch)


class OneCycle(Schedule):
    """Smith 2018, "A disciplined approach to neural network hyper-parameters", section 4.2."""

    label: ClassVar[str] = "One cycle"
    sentence: ClassVar[str] = "Rises to the rate given and falls far below where it began, all in one smooth arc."

    name: Literal["one_cycle"] = "one_cycle"
    rise: float = number(0.3, 0.05, 0.95, "Rise", "Share of all steps in which the rate rises.")
    start: float = number(25.0, 1.0, 1000.0, "Start divisor", "The rate begins this many times below its peak.")
    finish: float = number(1000.0, 1.0, 100000.0, "End divisor", "The rate ends this many times below its peak.")

    def factors(self, steps: np.ndarray, total: int, per_epoch: int) -> np.ndarray:
        top = max(1, round(self.rise * total))
        up = _arc(1 / self.start, 1.0, steps / top)
        down = _arc(1.0, 1 / self.finish, (steps - top) / max(1, total - 1 - top))
        return np.where(steps < top, up, down)


class Plateau(Schedule):
    label: ClassVar[str] = "Reduce on plateau"
    sentence: ClassVar[str] = "Cuts the rate when the validation loss has stopped falling."

    name: Literal["plateau"] = "plateau"
    factor: float = number(0.5, 0.01, 0.99, "Factor", "What the rate is multiplied by at a cut.")
    patience: int = number(2, 1, 100, "Patience", "How many epochs without improvement are waited for.")


def _arc(begin: float, end: float, progress: np.ndarray) -> np.ndarray:
    """Half a cosine from ``begin`` to ``end`` while ``progress`` goes from 0 to 1."""
    return end + (begin - end) * 0.5 * (1 + np.cos(np.pi * np.clip(progress, 0.0, 1.0)))


SCHEDULES: tuple[type[Schedule], ...] = (Constant, WarmupCosine, Step, Exponential, OneCycle, Plateau)
