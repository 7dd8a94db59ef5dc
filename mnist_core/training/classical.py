"""Fits classical models with scikit-learn round by round, so that they can be watched, paused and stopped.

A round is a tree of a forest, or one digit's classifier. In the end the model is the one that scikit-learn's own
``fit`` gives in one go: trees get the same random states with ``warm_start``, and one digit against the rest is the
very problem that ``SGDClassifier`` solves ten times with the ten seeds it draws.
"""

from __future__ import annotations

import contextlib
import re
import time
import warnings
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.data.split import split
from mnist_core.models.fitted import Fitted, Forest, LinearScores, flat, from_bytes, scored
from mnist_core.training.position import Position

SAMPLE = 10_000
"""Training images on which a round is judged; all of them would take as long as the fitting."""

LARGEST_SEED = np.iinfo(np.int32).max
"""scikit-learn draws the seeds of its parts below this."""

Tick = Callable[[int], bool]
"""Told the steps done in this round; ``True`` ends the round."""


class Stopped(Exception):
    """Leaves scikit-learn in the middle of a round."""


class ForestFitter:
    """Grows a random forest tree by tree."""

    def __init__(self, config: RunConfig, pixels: np.ndarray, labels: np.ndarray):
        self._trees = config.architecture
        self._pixels, self._labels, self._seed = np.ascontiguousarray(pixels, np.float32), labels, config.seed
        self.model: Forest = Forest.empty(config.data.scaled)

    @property
    def rounds(self) -> int:
        return len(self.model.roots)

    def fit_round(self, tick: Tick) -> None:
        settings = self._trees
        forest = RandomForestClassifier(
            self.rounds + 1,
            max_depth=settings.max_depth or None,
            min_samples_leaf=settings.min_samples_leaf,
            max_features=None if settings.max_features == "all" else settings.max_features,
            random_state=self._seed,
            warm_start=True,
        )
        # With a warm start scikit-learn passes over the random states of the trees there are, and looks no further
        # at them: so they need not be kept, and a resumed forest grows the trees that an uninterrupted one would.
        forest.estimators_ = [None] * self.rounds
        forest.fit(self._pixels, self._labels)
        tree = forest.estimators_[-1].tree_
        self.model = self.model.with_tree(
            tree.children_left,
            tree.children_right,
            tree.feature,
            tree.threshold,
            tree.value[:, 0],
            tree.weighted_n_node_samples,
        )


class SGDFitter:
    """Fits one digit against the rest after the other."""

    def __init__(self, config: RunConfig, pixels: np.ndarray, labels: np.ndarray):
        self._settings, self._labels = config.architecture, labels
        self._pixels = np.ascontiguousarray(pixels, np.float64)
        self._seeds = np.random.RandomState(config.seed).randint(LARGEST_SEED, size=config.architecture.rounds)
        weights, bias = np.zeros((10, pixels.shape[1])), np.zeros(10)
        self.model = LinearScores(config.data.scaled, weights, bias, 0, config.architecture.loss == "log_loss")

    @property
    def rounds(self) -> int:
        return self.model.known

    def fit_round(self, tick: Tick) -> None:
        digit, settings = self.rounds, self._settings
        classifier = SGDClassifier(
            loss=settings.loss,
            penalty=settings.penalty,
            alpha=settings.alpha,
            max_iter=settings.max_iter,
            tol=settings.tol,
            random_state=int(self._seeds[digit]),
            verbose=1,
        )
        with contextlib.redirect_stdout(_Passes(tick)), warnings.catch_warnings():
            # That the passes allowed were not enough is what a reader chose, and the curves show it.
            warnings.simplefilter("ignore", ConvergenceWarning)
            classifier.fit(self._pixels, self._labels == digit)
        self.model.weights[digit], self.model.bias[digit] = classifier.coef_[0], classifier.intercept_[0]
        self.model.known += 1


class _Passes:
    """Stands in for stdout, where scikit-learn announces every pass; it has no other way to tell or to be stopped."""

    def __init__(self, tick: Tick):
        self._tick = tick

    def write(self, text: str) -> None:
        if (found := re.match(r"-- Epoch (\d+)", text)) and self._tick(int(found[1]) - 1):
            raise Stopped

    def flush(self) -> None:
        """There is nothing to flush."""


FITTERS = {"random_forest": ForestFitter, "sgd_classifier": SGDFitter}


class ClassicalTrainer:
    """One fitting from beginning to end, with the face of ``fit.Trainer``: callbacks, position, checkpoint.

    Callbacks get ``trainer`` set to this object; ``model.stop_training = True`` ends after the current pass or tree.

    Attributes:
        position: completed rounds, and steps in the one begun.
        evaluation: the model as fitted so far.
    """

    CHECKPOINT_SECONDS = 5.0
    """A forest's checkpoint is megabytes, and a tree takes half a second."""

    def __init__(self, config: RunConfig, digits: Digits):
        self.config = config
        parts = split(digits.labels, config.data)
        self.validation = Digits(digits.images[parts.validation], digits.labels[parts.validation])
        sample = parts.train[:SAMPLE]
        self._sample = Digits(digits.images[sample], digits.labels[sample])
        pixels = flat(digits.images[parts.train], config.data.scaled)
        self._fitter = FITTERS[config.architecture.name](config, pixels, digits.labels[parts.train])
        self.position, self.model = Position(), SimpleNamespace(stop_training=False)
        self._steps_per_round = config.architecture.steps // config.architecture.rounds
        self._running: dict[str, np.ndarray] = {}

    @property
    def evaluation(self) -> Fitted:
        return self._fitter.model

    @property
    def total_steps(self) -> int:
        return self.config.total_steps

    @property
    def step(self) -> int:
        return self.position.epoch * self._steps_per_round + self.position.step

    def fit(self, callbacks: Sequence[Any] = (), resume_from: bytes | None = None) -> None:
        """Fits until the last round, or until a callback stops it; a round that is stopped is forgotten."""
        for callback in callbacks:
            callback.trainer = self
            callback.set_model(self.model)
        if resume_from:
            self._restore(resume_from)
        for callback in callbacks:
            callback.on_train_begin()
        while self.position.epoch < self.config.epochs and not self.model.stop_training:
            self._round(callbacks)
        for callback in callbacks:
            callback.on_train_end()

    def checkpoint(self) -> bytes:
        """The completed rounds as bytes for ``fit(resume_from=)``; how many they are stands in the model itself."""
        return self.evaluation.to_bytes()

    def require_finite(self, loss: float) -> None:
        """Nothing here can run away: scikit-learn itself refuses what is not finite."""

    def files(self) -> dict[str, bytes]:
        """The fitted model, as the store keeps it."""
        return {"model.npz": self.evaluation.to_bytes()}

    def _restore(self, data: bytes) -> None:
        self._fitter.model = from_bytes(data)
        self.position.epoch = self._fitter.rounds

    def _round(self, callbacks: Sequence[Any]) -> None:
        here, began = self.position, time.perf_counter()

        def tick(step: int) -> bool:
            here.step = step
            for callback in callbacks:
                # A tree draws images with repetition, and a tick may come at once: no pace follows from it.
                callback.on_train_batch_end(step, {"images": 0, "step": self.step})
            return self.model.stop_training

        tick(0)
        if not self.model.stop_training:
            with contextlib.suppress(Stopped):
                self._fitter.fit_round(tick)
        seconds, done = time.perf_counter() - began, self._fitter.rounds
        here.train_seconds += seconds
        here.step = 0
        if done > here.epoch:
            here.epoch = done
            logs = {"step": self.step, "seconds": seconds, **self._judged("", self._sample)}
            if len(self.validation):
                logs |= self._judged("val_", self.validation)
            for callback in callbacks:
                callback.on_epoch_end(done - 1, logs)

    def _judged(self, prefix: str, digits: Digits) -> dict[str, float]:
        probabilities = self._probabilities(prefix, digits)
        return {f"{prefix}{name}": score for name, score in scored(digits.labels, probabilities).items()}

    def _probabilities(self, key: str, digits: Digits) -> np.ndarray:
        """Of the model so far. A forest's votes are added up, so that a round costs one tree and not all."""
        model = self.evaluation
        if not isinstance(model, Forest):
            return model.probabilities(digits.images)
        pixels, trees = flat(digits.images, model.scaled), len(model.roots)
        before = self._running.get(key)
        if before is None:
            self._running[key] = model.scores(pixels) * trees
        else:
            before += model.votes(pixels, trees - 1)
        return self._running[key] / trees
