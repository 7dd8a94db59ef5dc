"""Builds the Keras model of a configuration. This module and ``training``'s compiled parts need TensorFlow."""

from __future__ import annotations

import random

import keras

from mnist_core.config import RunConfig
from mnist_core.models.plan import INPUT_SHAPE, PlannedLayer


def build(config: RunConfig, precision: str = "float32") -> keras.Sequential:
    """The untrained, compiled network: ``(N, 28, 28, 1)`` float in, ``(N, 10)`` float32 probabilities out.

    Initial weights depend on ``config.seed`` and the architecture alone: a layer begins alike in every network in
    which it has its name (the last one is the *output*) and its shape, whatever stands beside it.

    Args:
        precision: ``float32``, or ``bfloat16`` for 16-bit arithmetic on float32 weights.
    """
    policy = "mixed_bfloat16" if precision == "bfloat16" else "float32"
    names = [layer.name for layer in config.layers[:-1]] + ["output"]
    layers = [_layer(layer, policy, config.seed, name) for layer, name in zip(config.layers, names, strict=True)]
    keras.utils.set_random_seed(config.seed)
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


def _layer(planned: PlannedLayer, policy: str, seed: int, name: str) -> keras.layers.Layer:
    # Keras draws the seeds of initial weights and dropout from this generator when a layer is made.
    random.seed(f"{seed} {name}")
    arguments = {"dtype": policy} | planned.arguments
    l2 = arguments.pop("l2", 0.0)
    if l2:
        arguments["kernel_regularizer"] = keras.regularizers.L2(l2)
    return getattr(keras.layers, planned.kind)(name=planned.name, **arguments)
