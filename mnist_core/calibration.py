"""How sure a network may be: probabilities that keep what they promise, and saying that a picture is no digit.

A network's probabilities are sharpened or softened by one number, the temperature, and the largest of the ten is its
certainty. Below a threshold the answer is that this does not look like a digit.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np

REFUSED_SHARE = 0.009
"""Of the held-out digits: the price of refusing what is none."""

SMALLEST = 1e-12
"""Under this a probability is rounding."""

TEMPERATURES = (0.2, 5.0)


@dataclass(frozen=True)
class Calibration:
    """What is known about a network from the held-out images.

    Attributes:
        temperature: logits are divided by it; above 1 the network was too sure, below 1 too modest.
        threshold: the least certainty, 0..1, of what is taken for a digit; at 0 everything is.
    """

    temperature: float = 1.0
    threshold: float = 0.0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes | None) -> Calibration:
        """Without text the one that changes nothing."""
        return cls(**json.loads(text)) if text else cls()


def calibrate(labels: np.ndarray, probabilities: np.ndarray) -> Calibration:
    """Temperature and threshold from held-out images.

    The temperature is the one under which the true labels are likeliest: Guo et al. 2017, "On Calibration of Modern
    Neural Networks" (arXiv 1706.04599), section 4.2. The threshold refuses ``REFUSED_SHARE`` of these images.

    Args:
        labels: ints ``(N,)``, and ``probabilities``: floats ``(N, 10)``. With no images nothing is changed.
    """
    if not len(labels):
        return Calibration()
    logits = np.log(np.maximum(probabilities, SMALLEST)).astype(np.float64)

    def loss(log_temperature: float) -> float:
        scaled = logits / np.exp(log_temperature)
        largest = scaled.max(axis=1)
        total = largest + np.log(np.exp(scaled - largest[:, None]).sum(axis=1))
        return float((total - scaled[np.arange(len(labels)), labels]).mean())

    from scipy.optimize import minimize_scalar  # only where something is fitted

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    temperature = float(np.exp(found.x))
    sure = certainty(calibrated(probabilities, temperature))
    return Calibration(temperature, float(np.quantile(sure, REFUSED_SHARE)))


def calibrated(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities ``float32 (N, 10)`` under a temperature: those of the logits divided by it."""
    if temperature == 1.0:
        return probabilities
    logits = np.log(np.maximum(probabilities, SMALLEST)) / temperature
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)


def certainty(probabilities: np.ndarray) -> np.ndarray:
    """The largest probability of each image, ``(N,)``: what tells digits from others best among simple scores.

    Hendrycks and Gimpel 2017, "A Baseline for Detecting Misclassified and Out-of-Distribution Examples" (arXiv
    1610.02136), section 2.
    """
    return probabilities.max(axis=1)
