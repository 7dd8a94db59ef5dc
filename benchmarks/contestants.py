"""Four ways to train one epoch of the same network: ours, and the three that tutorials show."""

from __future__ import annotations

import importlib.util
import time

import keras
import numpy as np
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.models.build import build, make_optimizer
from mnist_core.training.fit import Trainer
from mnist_core.training.programs import Programs


class Ours:
    """The trainer of this project as the worker uses it, without a store. The slices' way back to Python is in it."""

    def __init__(self, config: RunConfig, digits: Digits):
        self._config, self._programs = config.replace({"training.epochs": 1}), Programs(digits)

    def epoch(self) -> float:
        """Seconds of one epoch."""
        trainer = Trainer(self._config, self._programs)
        trainer.fit()
        return trainer.position.train_seconds


class Fit:
    """``model.fit`` on NumPy arrays with Keras' own defaults."""

    def __init__(self, config: RunConfig, digits: Digits):
        self._model, self._batch = build(config), config.training.batch_size
        self._images, self._labels = _scaled(config, digits)
        loss = "sparse_categorical_crossentropy"
        self._model.compile(optimizer=make_optimizer(config), loss=loss, metrics=["accuracy"])

    def epoch(self) -> float:
        began = time.perf_counter()
        self._model.fit(self._images, self._labels, batch_size=self._batch, epochs=1, verbose=0)
        return time.perf_counter() - began


class Tape:
    """A loop over a shuffled ``tf.data`` set, with a ``tf.function`` for the step and Keras' metrics."""

    def __init__(self, config: RunConfig, digits: Digits):
        images, labels = _scaled(config, digits)
        model, optimizer = build(config), make_optimizer(config)
        optimizer.build(model.trainable_variables)
        loss_function = keras.losses.SparseCategoricalCrossentropy()
        self._loss, self._accuracy = keras.metrics.Mean(), keras.metrics.SparseCategoricalAccuracy()
        data = tf.data.Dataset.from_tensor_slices((images, labels))
        self._batches = data.shuffle(len(labels)).batch(config.training.batch_size).prefetch(tf.data.AUTOTUNE)

        @tf.function
        def step(images, labels):
            with tf.GradientTape() as tape:
                probabilities = model(images, training=True)
                loss = loss_function(labels, probabilities)
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            self._loss.update_state(loss)
            self._accuracy.update_state(labels, probabilities)

        self._step = step

    def epoch(self) -> float:
        began = time.perf_counter()
        self._loss.reset_state()
        self._accuracy.reset_state()
        for images, labels in self._batches:
            self._step(images, labels)
        float(self._loss.result())
        return time.perf_counter() - began


class Torch:
    """A PyTorch loop that takes its batches from tensors by a permutation: quicker than its ``DataLoader``."""

    def __init__(self, config: RunConfig, digits: Digits):
        import torch

        images, labels = _scaled(config, digits)
        self._images = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        self._labels = torch.from_numpy(labels.astype(np.int64))
        self._model, self._batch = torch.nn.Sequential(*_torch_layers(config)), config.training.batch_size
        rate, parameters = config.optimizer.learning_rate, self._model.parameters()
        kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "rmsprop": torch.optim.RMSprop}
        self._optimizer = kinds[config.optimizer.name](parameters, lr=rate)
        self._loss_function = torch.nn.CrossEntropyLoss()

    def epoch(self) -> float:
        import torch

        began = time.perf_counter()
        self._model.train()
        total, right = 0.0, 0
        order = torch.randperm(len(self._labels))
        for start in range(0, len(order), self._batch):
            indices = order[start : start + self._batch]
            images, labels = self._images[indices], self._labels[indices]
            self._optimizer.zero_grad()
            answers = self._model(images)
            loss = self._loss_function(answers, labels)
            loss.backward()
            self._optimizer.step()
            total += loss.item() * len(labels)
            right += (answers.argmax(1) == labels).sum().item()
        return time.perf_counter() - began


def torch_installed() -> bool:
    return importlib.util.find_spec("torch") is not None


def _scaled(config: RunConfig, digits: Digits) -> tuple[np.ndarray, np.ndarray]:
    images = digits.images[: config.data.subset, ..., np.newaxis].astype(np.float32) / 255.0
    return images, digits.labels[: config.data.subset]


def _torch_layers(config: RunConfig):
    """The planned layers in PyTorch's words. Its loss takes what goes into the softmax, so the last layer has none."""
    from torch import nn

    for layer in config.layers:
        given, inputs = layer.arguments, layer.input_shape[-1]
        if layer.kind == "Flatten":
            yield nn.Flatten()
        elif layer.kind == "Conv2D":
            yield nn.Conv2d(inputs, given["filters"], given["kernel_size"], padding=given["padding"])
        elif layer.kind == "Dense":
            yield nn.Linear(inputs, given["units"])
        elif layer.kind == "MaxPooling2D":
            yield nn.MaxPool2d(given["pool_size"])
        elif layer.kind == "Dropout":
            yield nn.Dropout(given["rate"])
        else:
            raise ValueError(f"no PyTorch layer for {layer.kind}")
        if given.get("activation") == "relu":
            yield nn.ReLU()
