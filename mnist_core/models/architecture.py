"""What every architecture is, whether Keras or scikit-learn fits it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from mnist_core.models.plan import Layer, PlannedLayer, plan
from mnist_core.parts import Part


class Architecture(Part):
    """Base of the registry's entries; ``layers`` gives the network, first to last.

    Attributes:
        family: ``network`` (built by Keras, trained by gradients) or ``classical`` (fitted by scikit-learn).
        sections: the parts of a configuration that matter to it; the others are not used.
        trainable: whether one of this kind can be built and trained from its settings.
        convolutional: says which compiler suits it.
        unit: what a round of its training is called: an epoch, a tree, a digit.
    """

    family: ClassVar[str] = "network"
    sections: ClassVar[tuple[str, ...]] = (
        "architecture", "optimizer", "schedule", "data", "augmentation", "training"
    )  # fmt: skip
    trainable: ClassVar[bool] = True
    convolutional: ClassVar[bool] = False
    unit: ClassVar[str] = "epoch"

    def layers(self) -> Iterator[Layer]:
        raise NotImplementedError

    def planned(self) -> list[PlannedLayer]:
        """The layers in their places; ``ConfigError`` names one that cannot be built."""
        return plan(self.layers())
