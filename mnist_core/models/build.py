"""Builds the Keras model of a configuration. This module and ``training``'s compiled parts need TensorFlow."""

from __future__ import annotations

import keras

from mnist_core.config import RunConfig
from mnist_core.models.plan import INPUT_SHAPE, PlannedLayer


def build(config: RunConfig, precision: str = "float32") -> keras.Sequential:
    """The untrained, compiled network: ``(N, 28, 28, 1)`` float in, ``(N, 10)`` float32 probabilities out.

    Initial weights depend on ``config.seed`` and the architecture alone.

    Args:
        precision: ``float32``, or ``bfloat16`` for 16-bit arithmetic on float32 weights.
    """
    keras.utils.set_random_seed(config.seed)
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    layers = [_layer(layer, policy) for layer in config.layers]
    model = keras.Sequential([keras.Input(INPUT_SHAPE, name="image"), *layers], name=config.architecture.name)
    model.compile(optimizer=make_optimizer(config), loss=make_loss(config), metrics=["accuracy"])
    return model


def make_optimizer(config: RunConfig) -> keras.optimizers.Optimizer:
    return getattr(keras.optimizers, config.optimizer.keras_class)(**config.optimizer.arguments())


def make_loss(config: RunConfig) -> keras.losses.Loss:
    """Cross-entropy on labels 0-9; with label smoothing on one-hot rows, as Keras defines it only there."""
    smoothing = config.training.label_smoothing
    if smoothing:
        return keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
    return keras.losses.SparseCategoricalCrossentropy()


def _layer(planned: PlannedLayer, policy: str) -> keras.layers.Layer:
    arguments = {"dtype": policy} | planned.arguments
    l2 = arguments.pop("l2", 0.0)
    if l2:
        arguments["kernel_regularizer"] = keras.regularizers.L2(l2)
    return getattr(keras.layers, planned.kind)(name=planned.name, **arguments)
