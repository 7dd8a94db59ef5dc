"""What every layer of a network makes of a drawing, and what the last one before the answer looks at."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from mnist_core.explain.results import Activations, Layer
from mnist_core.models.subclassed import portable

MOST_LAYERS = 40
MOST_MAPS = 32
MOST_UNITS = 1024


class Layers:
    """A network with every layer's output, whichever way it was written: Sequential, functional or one of our classes.

    Args:
        scaled: the network takes pixels from 0 to 1.
    """

    def __init__(self, model: keras.Model, scaled: bool):
        self._scale = 1 / 255.0 if scaled else 1.0
        calls: list[tuple[keras.layers.Layer, keras.KerasTensor, keras.KerasTensor]] = []

        def observed(layer, *arguments, **options):
            given = layer(*arguments, **options)
            calls.append((layer, keras.tree.flatten(arguments)[0], keras.tree.flatten(given)[0]))
            return given

        model = portable(model)
        # The same layers, called once more on an input of their own: a layer may stand in several models.
        graph = keras.Model(model.inputs[0], model.outputs[0])
        image = keras.Input(graph.inputs[0].shape[1:])
        keras.models.clone_model(graph, image, clone_function=lambda layer: layer, call_function=observed)
        self._layers = [layer for layer, _, _ in calls]
        self._everything = keras.Model(image, [given for _, _, given in calls])
        self._before_answer = self._hidden(image, calls)

    @property
    def features(self) -> Callable[[np.ndarray], np.ndarray] | None:
        """What the last layer with weights is given, ``(N, F)``; ``None`` if that is the drawing itself."""
        if self._before_answer is None:
            return None
        return lambda images: _flat(np.asarray(self._before_answer(self._pixels(images), training=False)))

    def activations(self, image: np.ndarray) -> Activations:
        """Of one drawing, uint8 ``(28, 28)``. At most 40 layers, of each at most 32 maps or 1,024 units."""
        found = keras.tree.flatten(self._everything(self._pixels(image[None]), training=False))
        outputs = [np.asarray(values, np.float32)[0] for values in found]
        layers = [
            Layer(layer.name, type(layer).__name__, values.shape, _bounded(values))
            for layer, values in zip(self._layers, outputs, strict=True)
        ]
        return Activations(tuple(layers[:MOST_LAYERS]), max(0, len(layers) - MOST_LAYERS))

    def _pixels(self, images: np.ndarray) -> np.ndarray:
        return images[..., None].astype(np.float32) * np.float32(self._scale)

    @staticmethod
    def _hidden(image, calls) -> keras.Model | None:
        weighted = [given for layer, given, _ in calls if layer.weights]
        # With one layer of weights at most, the answer is read off the drawing.
        return keras.Model(image, weighted[-1]) if len(weighted) > 1 else None


def _bounded(values: np.ndarray) -> np.ndarray:
    """Maps ``(maps, rows, columns)`` or units ``(units,)`` of what one layer gives."""
    if values.ndim == 3:
        return np.ascontiguousarray(values[..., :MOST_MAPS].transpose(2, 0, 1))
    if values.ndim == 2 and values.size <= MOST_UNITS:
        return values[None]
    return values.ravel()[:MOST_UNITS]


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)
