"""What the predict worker does to explain an answer: it finds the run's model and asks it why."""

from __future__ import annotations

from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
import tensorflow as tf
from zict import LRU

from mnist_core.calibration import calibrated
from mnist_core.data import mnist
from mnist_core.engine.reading import kept_model, store_at
from mnist_core.errors import EngineError, ExplainError
from mnist_core.explain import classical, neighbours
from mnist_core.explain.activations import Layers
from mnist_core.explain.counterfactual import FULL, STROKE, least_ink
from mnist_core.explain.gradients import integrated_gradients
from mnist_core.explain.methods import METHODS, Kind, kind_of, methods_for
from mnist_core.explain.occlusion import occlusion
from mnist_core.explain.results import Attribution, Change, Neighbours
from mnist_core.explain.slopes import Slopes
from mnist_core.models.build import gives_logits
from mnist_core.store.run import Run
from mnist_core.training.compiled import CompiledEvaluation

EXPLAINED_BYTES = 200_000_000
"""What the models that are kept ready to be explained may take, with the code compiled for it."""

_explained = LRU(EXPLAINED_BYTES, {}, weight=lambda run_id, explained: explained.model.bytes)


def explain(run_id: str, image: np.ndarray, method: str, target: int | None, database_url: str) -> Any:
    """One of ``explain.results`` for uint8 ``(28, 28)``.

    Args:
        target: the digit that is explained or wanted; ``None`` for the model's answer, or for the next likely one.

    Raises:
        UnknownRun: no such run, or it has no model yet.
        ExplainError: the method does not apply to such a model.
    """
    explained = _explained.get(run_id)
    if explained is None:
        store = store_at(database_url)
        explained = _explained[run_id] = Explained(
            store.get(run_id), kept_model(store, run_id), store.calibration(run_id).temperature
        )
    try:
        return explained.ask(method, image, target)
    except tf.errors.OpError as error:
        # It must not travel as it is: unpacking it would make the receiver import TensorFlow.
        raise EngineError(f"The model could not be explained ({type(error).__name__}). Try another way.") from None


class Explained:
    """A model that is asked why, under its temperature. What a way needs besides is made at first use, and kept."""

    def __init__(self, run: Run, model: Any, temperature: float):
        self.model, self._settings, self._temperature = model, run.settings, temperature
        self.kind: Kind = kind_of(run.settings)

    def ask(self, method: str, image: np.ndarray, target: int | None) -> Any:
        if method not in METHODS or self.kind not in METHODS[method].kinds:
            offered = ", ".join(METHODS[name].label for name in methods_for(self.kind))
            asked = f"“{METHODS[method].label}”" if method in METHODS else f"{method!r}"
            raise ExplainError(f"There is no {asked} for a model of this kind; it can be explained by: {offered}.")
        if method == "activations":
            return self._layers.activations(image)
        if method == "neighbours":
            return self._neighbours(image)
        probabilities = self.probabilities(image[None])[0]
        likeliest = np.argsort(-probabilities, kind="stable")
        if method == "change":
            return self._change(image, int(likeliest[1]) if target is None else target)
        digit = int(likeliest[0]) if target is None else target
        return Attribution(*self._attribution(method, image, digit), probabilities=probabilities)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """What pages show of uint8 ``(N, 28, 28)``: float32 ``(N, 10)``."""
        return calibrated(self.model.probabilities(images), self._temperature)

    @cached_property
    def _slopes(self) -> Slopes:
        model: CompiledEvaluation = self.model
        return Slopes(model.model, self._settings.data.scaled, gives_logits(self._settings), self._temperature)

    @cached_property
    def _layers(self) -> Layers:
        return Layers(self.model.model, self._settings.data.scaled)

    def _attribution(self, method: str, image: np.ndarray, digit: int) -> tuple[np.ndarray, int, float, float]:
        if method == "gradients":
            values, start, end = integrated_gradients(self._slopes, image, digit)
        elif method == "occlusion":
            values, start, end = occlusion(self.probabilities, image, digit)
        elif method == "weights":
            values, start, end = classical.linear_contributions(self.model, image, digit)
        else:
            values, start, end = classical.forest_contributions(self.model, image, digit)
        return values, digit, start, end

    def _change(self, image: np.ndarray, target: int) -> Change:
        if self.kind == "forest":
            # Trees ask whether there is more ink than so much: a little more says nothing.
            slope, stroke = partial(classical.forest_slope, self.model), FULL
        elif self.kind == "linear":
            slope, stroke = partial(classical.linear_slope, self.model), STROKE
        else:
            slope, stroke = self._slopes.of_one, STROKE
        return least_ink(self.probabilities, slope, image, target, stroke, lambda: _search().examples(image, target))

    def _neighbours(self, image: np.ndarray) -> Neighbours:
        train, near = _search().digits, _search().nearest(image)
        candidates, among = near[0], f"among the {len(near[0])} nearest by pixels"
        rows = [neighbours.by_pixels(train, near)]
        if self.kind == "forest":
            by = f"by the trees that cannot tell them apart, {among}"
            leaves = partial(classical.forest_leaves, self.model)
            rows.append(neighbours.by_leaves(train, candidates, image, leaves, by))
        elif self.kind == "network" and self._layers.features:
            by = f"by what the network's last hidden layer makes of them, {among}"
            rows.append(neighbours.by_features(train, candidates, image, self._layers.features, by))
        answer = int(self.probabilities(image[None])[0].argmax())
        return Neighbours(tuple(rows), answer)


@lru_cache(maxsize=1)
def _search() -> neighbours.Search:
    return neighbours.Search(mnist.load("train"))
