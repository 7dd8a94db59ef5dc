"""Where a training stands."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Sums:
    """What has been added up over the images of an epoch so far."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    def add(self, loss: float, correct: int, images: int) -> None:
        self.loss, self.correct, self.images = self.loss + loss, self.correct + correct, self.images + images

    def means(self) -> dict[str, float]:
        images = max(1, self.images)
        return {"loss": self.loss / images, "accuracy": self.correct / images}


@dataclass
class Position:
    """Where a run stands: ``epoch`` completed epochs, ``step`` steps and their sums in the one begun.

    ``recent`` are the sums since the last row of a history that is kept every so many steps. ``train_seconds`` and
    ``epoch_seconds`` are those of the training steps, in the run and in the epoch begun: without building, compiling
    and validation.
    """

    epoch: int = 0
    step: int = 0
    sums: Sums = field(default_factory=Sums)
    recent: Sums = field(default_factory=Sums)
    train_seconds: float = 0.0
    epoch_seconds: float = 0.0
