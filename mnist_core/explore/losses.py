"""Whether the losses of several runs are one measure, so that the smaller one is the better one.

Training, held-out and test losses of a network are all computed by the loss that it was trained with, its penalty on
weights included (``training.compiled``, ``training.tape``). Classical and uploaded models are scored by plain
cross-entropy. Pictures that are no digits (``data.not_digits``) are among training images alone.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence

from mnist_core.config import RunConfig
from mnist_core.evaluation import CLIPPED, EPSILON
from mnist_core.models.plan import CLASSES
from mnist_core.parts import plain


def not_one_measure(configs: Iterable[RunConfig]) -> str:
    """Why losses of runs with these settings cannot be compared, as sentences; empty if they can."""
    configs = list(configs)
    reasons = [words for words in (_penalty(configs), _smoothing(configs), _bounds(configs)) if words]
    if not reasons:
        return ""
    return (
        f"These losses are not one measure, neither in training nor on held-out or test images: {'; '.join(reasons)}. "
        "So a smaller loss need not mean better reading: compare accuracies."
    )


def not_one_measure_in_training(configs: Iterable[RunConfig]) -> str:
    """Why training losses of runs with these settings cannot be compared, besides ``not_one_measure``; as sentences."""
    trained = [config for config in configs if config.architecture.trainable]
    parts = {round(math.log(CLASSES) * config.data.not_digits / config.training_images, 2) for config in trained}
    if len(parts) < 2:
        return ""
    return (
        f"Losses in training are not one measure here: a picture that is no digit costs {math.log(CLASSES):.2f} "
        "(ln 10) even when it is read as it should be, and the share of such pictures differs. They alone make "
        f"{_range(parts)} of these losses, however much was learned. Held-out and test images are all digits."
    )


def least_loss(config: RunConfig) -> float:
    """What a digit costs a network that knows all, penalties on weights aside: the entropy of its smoothed label."""
    other = config.training.label_smoothing / CLASSES
    shares = (1 - (CLASSES - 1) * other, *(CLASSES - 1) * (other,))
    return -sum(share * math.log(share) for share in shares if share)


def _penalty(configs: Sequence[RunConfig]) -> str:
    factors = [getattr(config.architecture, "l2", 0.0) for config in configs]
    if len(set(factors)) > 1:
        return f"the L2 penalty on the weights is part of the loss, and it differs ({_range(factors)})"
    if any(factors) and len({config.parameters for config in configs}) > 1:
        return "the L2 penalty is part of the loss, and these networks have more or fewer weights to pay it for"
    return ""


def _smoothing(configs: Sequence[RunConfig]) -> str:
    found = [config.training.label_smoothing if _learns_by_loss(config) else 0.0 for config in configs]
    if len(set(found)) == 1:
        return ""
    return f"label smoothing differs ({_range(found)}), and the more of it, the more a sure and right answer costs"


def _bounds(configs: Sequence[RunConfig]) -> str:
    least = {_least_probability(config) for config in configs}
    if len(least) == 1:
        return ""
    most = ", ".join(f"{-math.log(p):.1f} at most" if p else "without bound" for p in sorted(least))
    return f"an image that is read quite wrongly counts differently ({most})"


def _least_probability(config: RunConfig) -> float:
    """To which a true digit's probability is raised before its logarithm is taken; 0 where it is taken as it is."""
    if not _learns_by_loss(config):
        return EPSILON
    return CLIPPED if config.training.loss == "clipped" else 0.0


def _learns_by_loss(config: RunConfig) -> bool:
    return config.architecture.family == "network" and config.architecture.trainable


def _range(values: Collection[float]) -> str:
    return f"{plain(min(values))} to {plain(max(values))}"
