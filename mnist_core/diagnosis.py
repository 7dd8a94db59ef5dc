"""What a run's numbers say about its settings: rules of thumb that explain what happened and what to try.

Every rule looks at the configuration and the rows of epochs alone, but for dead units, which a worker counts.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core.config import RunConfig
from mnist_core.explore.losses import least_loss
from mnist_core.models.plan import CLASSES
from mnist_core.sections import DataConfig, Training

GUESSING = math.log(CLASSES)
"""The loss of someone who gives every digit the same probability."""

LEARNED = 0.5
"""Accuracy below which a network has not learned in earnest; guessing gives 0.1."""

CLUELESS = 0.2
"""The same where dropout or changed images hide how much it has learned."""

GAP = 0.03
"""Training accuracy above held-out accuracy by so much is worth a word."""

TURNED = 1.15
"""Held-out loss at the end over its least: so much more says that it has turned upwards."""

STILL_FALLING = 0.93
"""The last epoch's loss over that of the one before: below this it is still falling fast."""

DIVERGED = "infinite or not a number"
"""In the message of a run whose loss did: bad settings, and no accident."""

TINY = 10
"""More than so many times smaller than usual, a learning rate hardly makes weights run away."""

FEW_STEPS = 500
DEAD = 0.4
"""Share of a layer's units that are 0 for every image."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """``rule`` names it; ``what`` says what was seen, and ``mend`` what to try."""

    rule: str
    what: str
    mend: str


@dataclass(frozen=True)
class Evidence:
    """What the rules look at.

    Attributes:
        rows: of all completed epochs.
        message: why it failed, if it did.
        dead: share of units without any effect, by layer.
    """

    config: RunConfig
    rows: Sequence[Row]
    message: str = ""
    dead: Mapping[str, float] | None = None

    @property
    def last(self) -> Row:
        return self.rows[-1]

    @property
    def steps(self) -> int:
        return int(self.last["step"]) if self.rows else 0

    @property
    def momentum(self) -> float:
        """Of the optimizer, if it keeps any from step to step."""
        return 0.0 if self.config.optimizer.fresh else getattr(self.config.optimizer, "momentum", 0.0)

    @property
    def rate(self) -> float:
        """How far its steps go on the whole: momentum carries each on in those that follow."""
        return self.config.optimizer.learning_rate / (1 - self.momentum)

    @property
    def rate_in_words(self) -> str:
        words = f"a learning rate of {self.config.optimizer.learning_rate:g}"
        return f"{words} and a momentum of {self.momentum:g}" if self.momentum else words

    @property
    def usual_rate(self) -> float:
        """What most people begin with; the default of plain SGD is a cautious one."""
        usual = type(self.config.optimizer).model_fields["learning_rate"].default
        return 0.1 if self.config.optimizer.name == "sgd" else usual

    @property
    def held_out(self) -> bool:
        """Whether its last epoch was looked at with held-out images, which are neither changed nor dropped out of."""
        return self.last.get("val_accuracy") is not None

    @property
    def reads(self) -> float:
        """The share of images that it reads at its end, of held-out ones where there are any."""
        return self.last["val_accuracy" if self.held_out else "accuracy"]

    @property
    def hidden(self) -> bool:
        """Whether nothing tells how much it has learned, since its numbers in training are not those of its images."""
        dropout = any(layer.kind == "Dropout" for layer in self.config.layers)
        return not self.held_out and bool(dropout or self.config.augmentation.active or self.config.data.not_digits)

    def reads_less_than(self, share: float) -> bool:
        return self.reads < (CLUELESS if self.hidden else share)

    @property
    def near_guessing(self) -> bool:
        """Whether its loss has not come half the way down from that of a guess to the least that there is."""
        if self.hidden or getattr(self.config.architecture, "l2", 0.0):  # a penalty is part of the loss, however large
            return self.reads_less_than(LEARNED)
        losses = [self.last[key] for key in ("loss", "val_loss") if self.last.get(key) is not None]
        return min(losses) > (GUESSING + least_loss(self.config)) / 2


def judged_by(config: RunConfig, rows: Sequence[Row], metric: str) -> Row | None:
    """The epoch that a run is judged by: its last or, where early stopping took the best weights, the one of these.

    ``None`` without any epoch that has this metric. Classical models are never stopped early, whatever their settings
    carry along.
    """
    rows = [row for row in rows if row[metric] is not None]
    early = config.training.early_stopping and config.architecture.family == "network"
    if early and rows and rows[0]["val_loss"] is not None:
        return min(rows, key=lambda row: row["val_loss"])
    return rows[-1] if rows else None


def explain(evidence: Evidence) -> list[Finding]:
    """What there is to say, the gravest first; nothing for a healthy run, or one without epochs of a network."""
    if evidence.config.architecture.family != "network":
        return []
    return [finding for rule in RULES for finding in rule(evidence)]


def dead_units(text: bytes | None) -> dict[str, float]:
    """What a worker has counted, from the bytes in the store; empty if it has not."""
    return json.loads(text) if text else {}


def _unscaled(seen: Evidence) -> Iterator[Finding]:
    began = seen.rows or DIVERGED in seen.message
    if not seen.config.data.scaled and seen.config.architecture.trainable and began:
        yield Finding(
            "unscaled pixels",
            "The pixels came in as 0 to 255, so the first sums were hundreds of times larger than the weights are "
            "made for: the first losses are huge, and learning is rough.",
            "Switch *Scale pixels to 0-1* on.",
        )


def _rate_too_high(seen: Evidence) -> Iterator[Finding]:
    if not seen.config.data.scaled:
        return  # which alone explains large losses
    ran_away = DIVERGED in seen.message
    if ran_away and seen.rate < seen.usual_rate / TINY:
        sixteen = seen.config.training.precision != "float32"
        precision = f"set *{Training.model_fields['precision'].title}* to float32, " if sixteen else ""
        yield Finding(
            "weights ran away",
            f"The weights ran away to infinity, and {seen.rate_in_words} is too small to be the likely cause.",
            f"Look elsewhere: {precision}begin from other weights (another seed), or take fewer layers or batch "
            "normalisation.",
        )
        return
    if not ran_away:
        if not seen.rows or seen.rate <= 3 * seen.usual_rate:
            return
        losses = [row["loss"] for row in seen.rows]
        bad = seen.near_guessing or (len(losses) > 1 and losses[-1] > 1.05 * min(losses))
        if not bad or max(seen.reads, seen.last["accuracy"]) > 0.97:
            return
    how = "the weights ran away to infinity" if ran_away else f"the loss is still {seen.last['loss']:.2f} and restless"
    yield Finding(
        "learning rate too high",
        f"With {seen.rate_in_words} each step jumps over the valley that it should go down into: {how}.",
        f"Try a rate ten times smaller: {seen.config.optimizer.learning_rate / 10:g}.",
    )


def _rate_too_low(seen: Evidence) -> Iterator[Finding]:
    if not seen.rows or seen.rate >= seen.usual_rate / 5 or not seen.reads_less_than(0.9):
        return
    came = f"the loss came down to {seen.last['loss']:.2f} in {seen.steps:,} steps"
    if seen.reads < LEARNED:
        what = f"the weights have hardly moved: {came} (guessing gives {GUESSING:.2f})."
    else:
        what = f"it learned slowly: {came}, and with more of them or a larger rate it would come further."
    yield Finding(
        "learning rate too low",
        f"With {seen.rate_in_words} {what}",
        f"Try a rate ten times larger: {seen.config.optimizer.learning_rate * 10:g}.",
    )


def _too_few_steps(seen: Evidence) -> Iterator[Finding]:
    if not seen.rows or seen.rate < seen.usual_rate / 5 or any(_rate_too_high(seen)):
        return  # then the rate is to blame first
    least = least_loss(seen.config)
    falling = len(seen.rows) < 2 or seen.last["loss"] - least < STILL_FALLING * (seen.rows[-2]["loss"] - least)
    if falling and seen.steps < FEW_STEPS and seen.reads_less_than(0.93):
        yield Finding(
            "too few steps",
            f"Training ended after {seen.steps:,} steps while the loss was still falling fast.",
            "Train for more epochs, or take smaller batches, which make more steps of the same images.",
        )


def _over_fitting(seen: Evidence) -> Iterator[Finding]:
    held = [row for row in seen.rows if row.get("val_loss") is not None]
    if len(held) < 2:
        return
    kept, least = judged_by(seen.config, held, "val_loss"), min(held, key=lambda row: row["val_loss"])
    if kept["accuracy"] - kept["val_accuracy"] <= GAP:
        return
    where, mend = "", "Use more images, augmentation or dropout"
    if seen.config.training.early_stopping:
        where = f" (after epoch {kept['epoch']}, whose weights early stopping takes)"
    else:
        mend += ", or stop earlier (early stopping)"
        if kept["val_loss"] > TURNED * least["val_loss"]:
            where = f", and the held-out loss has risen since epoch {least['epoch']}"
    yield Finding(
        "over-fitting",
        f"It reads {kept['accuracy']:.1%} of the images it learned from, but {kept['val_accuracy']:.1%} of "
        f"those held out{where}: it has begun to know its images by heart.",
        f"{mend}.",
    )


def _not_to_be_judged(seen: Evidence) -> Iterator[Finding]:
    if seen.rows and not seen.held_out and seen.last["accuracy"] > 1 - GAP:
        yield Finding(
            "no held-out images",
            f"It reads {seen.last['accuracy']:.1%} of the images it learned from. Whether it understands digits or "
            "knows these images by heart, others must show. None were held out, and the test set is not for choosing.",
            f"Hold some out, for example 0.1: *{DataConfig.model_fields['validation_fraction'].title}*.",
        )


def _dead_units(seen: Evidence) -> Iterator[Finding]:
    dead = {name: share for name, share in (seen.dead or {}).items() if share >= DEAD}
    if dead:
        layers = ", ".join(f"{share:.0%} of {name}" for name, share in dead.items())
        yield Finding(
            "dead units",
            f"Units that give 0 for every image learn nothing any more, since no gradient reaches them: {layers}.",
            "Try a smaller learning rate, or an activation that never is quite flat, such as elu or gelu.",
        )


def _unshuffled(seen: Evidence) -> Iterator[Finding]:
    if not seen.config.training.shuffle and seen.rows:
        yield Finding(
            "unshuffled data",
            "Every epoch saw the images in the same order, so the same images always shared a batch, and the last "
            "ones always had the last word.",
            f"Switch *{Training.model_fields['shuffle'].title}* on.",
        )


RULES: tuple[Callable[[Evidence], Iterator[Finding]], ...] = (
    _unscaled, _rate_too_high, _rate_too_low, _too_few_steps, _dead_units, _over_fitting,
    _not_to_be_judged, _unshuffled,
)  # fmt: skip


def foretold(expected: float, reached: float) -> str:
    """A reader's guess beside what came, both accuracies 0..1."""
    off = reached - expected
    if abs(off) < 0.005:
        return f"The prediction was {as_foretold(expected)}, and it is {reached:.2%}: well foretold."
    side = "more" if off > 0 else "less"
    return f"The prediction was {as_foretold(expected)}, and it is {reached:.2%}: {100 * abs(off):.1f} points {side}."


def as_foretold(expected: float) -> str:
    """A guess as it was written down: ``95%``, ``99.25%``."""
    return f"{100 * expected:.4g}%"
