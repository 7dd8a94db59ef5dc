"""What a run learned, and what it made of the test set: read and computed once however often a page is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import streamlit as st

from mnist_core import evaluation
from mnist_core.calibration import Calibration, calibrated, certainty
from mnist_core.ui.lab import lab, test_probabilities, test_set


@dataclass(frozen=True, eq=False)
class Reading:
    """What a run made of the test set: labels ``(N,)``, images of ``uint8 (28, 28)`` and probabilities ``(N, 10)``.

    ``raw`` are those that the network gave, of which its loss is made; pages tell ``probabilities``, under the
    temperature that was fitted on held-out images, as they tell those of a drawing.
    """

    images: Sequence[np.ndarray]
    labels: np.ndarray
    raw: np.ndarray
    calibration: Calibration

    @cached_property
    def probabilities(self) -> np.ndarray:
        return calibrated(self.raw, self.calibration.temperature)

    @cached_property
    def predicted(self) -> np.ndarray:
        return evaluation.predictions(self.raw)

    @cached_property
    def matrix(self) -> np.ndarray:
        """The confusion matrix, true label down and predicted across."""
        return evaluation.confusion_matrix(self.labels, self.predicted)

    @cached_property
    def report(self) -> list[dict]:
        """The classification report, a row per class and the two averages."""
        return evaluation.classification_report(self.matrix).rows()

    @cached_property
    def mistakes(self) -> np.ndarray:
        """Positions of the images read wrongly, the surest first."""
        # Two classes that are nearly alike may change places under a temperature: an answer is what the network gave.
        return evaluation.mistakes(self.labels, self.probabilities, self.predicted)

    @cached_property
    def reliability(self) -> evaluation.Reliability:
        """Of the raw probabilities."""
        return evaluation.reliability(self.labels, self.raw)

    @cached_property
    def calibrated(self) -> evaluation.Reliability:
        return evaluation.reliability(self.labels, self.probabilities)

    @cached_property
    def sure(self) -> np.ndarray:
        """How sure each answer is, 0..1, the least sure first."""
        return np.sort(certainty(self.probabilities))

    def refused(self, threshold: float) -> float:
        """Share of the test digits that are less sure than a threshold, and so are not taken for digits."""
        return float(np.searchsorted(self.sure, threshold) / len(self.sure))

    def cell(self, true: int, read: int) -> np.ndarray:
        """Positions of the images of ``true`` read as ``read``, the surest first."""
        found = evaluation.cell(self.labels, self.predicted, true, read)
        return found[np.argsort(-self.probabilities[found, read])]


@st.cache_resource(max_entries=32, show_spinner=False)
def reading(database_url: str, run_id: str, ended: float, data: str) -> Reading:
    """Of a run that has ended; ``data`` is the setting of that name."""
    images, labels = test_set(data)
    probabilities = test_probabilities(database_url, run_id, ended)
    return Reading(images, labels, probabilities, lab().store.calibration(run_id))


@st.cache_resource(max_entries=64, show_spinner=False)
def history(database_url: str, run_id: str, epoch: int, ended: float | None) -> list[dict[str, Any]]:
    """The rows of a run's epochs, read again when it has come through another, or to its end. Not to be changed."""
    return lab().store.epochs(run_id)
