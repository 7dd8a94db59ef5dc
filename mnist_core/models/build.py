"""Builds the Keras model of a configuration. This module and ``training``'s compiled parts need TensorFlow."""

from __future__ import annotations

import random
from functools import partial

import keras

from mnist_core.config import RunConfig
from mnist_core.models.losses import ClippedCrossentropy
from mnist_core.models.plan import INPUT_SHAPE, PlannedLayer
from mnist_core.models.subclassed import RawSoftmax, SubclassedNetwork

WITH_KERNEL = ("Dense", "Conv2D")
"""Layers whose weights begin by chance."""

INITIALIZERS = {
    "glorot_uniform": keras.initializers.GlorotUniform,
    "standard_normal": partial(keras.initializers.RandomNormal, 0.0, 1.0),
}
"""Where weights may begin: as Keras does unless asked (Glorot and Bengio 2010, eq. 16), or as some tutorials do."""

MOST_SEED = 10**9
"""The largest seed a layer may get; as Keras itself would draw."""


def build(config: RunConfig, precision: str = "float32") -> keras.Model:
    """The untrained, compiled network: ``(N, 28, 28, 1)`` float in, ``(N, 10)`` float32 probabilities or logits out.

    Initial weights depend on ``config.seed`` and the architecture alone: a layer begins alike in every network in
    which it has its name (the last one is the *output*) and its shape, whatever stands beside it.

    Args:
        precision: ``float32``, or ``bfloat16`` for 16-bit arithmetic on float32 weights.
    """
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    names = [layer.name for layer in config.layers[:-1]] + ["output"]
    layers = [_layer(layer, policy, config.seed, name) for layer, name in zip(config.layers, names, strict=True)]
    model = _put_together(config.architecture.api, layers, config.architecture.name)
    model.compile(optimizer=make_optimizer(config), loss=make_loss(config), metrics=["accuracy"])
    return model


def _put_together(api: str, layers: list[keras.layers.Layer], name: str) -> keras.Model:
    """The same layers by one of Keras' ways. Their weights depend on the order in which the layers were made alone."""
    image = keras.Input(INPUT_SHAPE, name="image")
    if api == "sequential":
        return keras.Sequential([image, *layers], name=name)
    if api == "functional":
        values = image
        for layer in layers:
            values = layer(values)
        return keras.Model(image, values, name=name)
    return RawSoftmax(layers[-1], name) if api == "variables" else SubclassedNetwork(layers, name)


def gives_logits(config: RunConfig) -> bool:
    """Whether the network's output still has to go through a softmax."""
    return getattr(config.architecture, "output", "softmax") == "logits"


def make_optimizer(config: RunConfig) -> keras.optimizers.Optimizer:
    return getattr(keras.optimizers, config.optimizer.keras_class)(**config.optimizer.arguments())


def make_loss(config: RunConfig) -> keras.losses.Loss:
    """Cross-entropy on labels 0-9; on rows of shares where certainty is to be shared, by label smoothing or because
    there are pictures of no digit."""
    smoothing, logits = config.training.label_smoothing, gives_logits(config)
    if config.training.loss == "clipped":
        return ClippedCrossentropy()
    if smoothing or config.data.not_digits:
        return keras.losses.CategoricalCrossentropy(from_logits=logits, label_smoothing=smoothing)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)


def _layer(planned: PlannedLayer, policy: str, seed: int, name: str) -> keras.layers.Layer:
    # A generator of the layer's own: Python's common one, which Keras would ask, every thread of a worker may use.
    draw = partial(random.Random(f"{seed} {name}").randint, 1, MOST_SEED)
    # 16 bits cannot hold a rate such as 0.4; and so the same values are dropped in either precision.
    arguments = {"dtype": "float32" if planned.kind == "Dropout" else policy} | planned.arguments
    l2 = arguments.pop("l2", 0.0)
    if l2:
        arguments["kernel_regularizer"] = keras.regularizers.L2(l2)
    if planned.kind == "Dropout":
        arguments["seed"] = draw()
    if planned.kind in WITH_KERNEL:
        arguments.setdefault("kernel_initializer", "glorot_uniform")
    for key, value in arguments.items():
        if value in INITIALIZERS:
            arguments[key] = INITIALIZERS[value](seed=draw())
    return getattr(keras.layers, planned.kind)(name=planned.name, **arguments)
