"""Compile once: a network that has been compiled serves every later run of the same shape in this worker."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from zict import LRU

from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.data.others import NOT_A_DIGIT, others
from mnist_core.data.written import written
from mnist_core.models.build import build, gives_logits
from mnist_core.training.arguments import Numbers, compiled_in
from mnist_core.training.checkpoint import variables
from mnist_core.training.compiled import CODE_BYTES, CompiledEpoch, CompiledEvaluation
from mnist_core.training.execution import Execution
from mnist_core.training.tape import LoopEvaluation, TapeEpoch

MOST_BYTES = 400_000_000
"""What the variables of all kept programs may take: more than any one network's, with three numbers a parameter."""


@dataclass(frozen=True)
class Program:
    """A model, the compiled functions that train and evaluate it, and those of its numbers that they are given;
    ``drawn`` pictures it learns beside MNIST's.
    """

    model: keras.Model
    epoch: CompiledEpoch | TapeEpoch
    evaluation: CompiledEvaluation | LoopEvaluation
    numbers: Numbers
    drawn: int = 0

    @property
    def bytes(self) -> int:
        """Of weights, the optimizer's memory and code."""
        return CODE_BYTES + sum(math.prod(v.shape) * tf.as_dtype(v.dtype).size for v in variables(self.model))


class Programs:
    """The least recently used go first. One training at a time may use them."""

    def __init__(self, digits: Digits):
        self.digits = digits
        self._kept = LRU(MOST_BYTES, {}, weight=lambda key, program: program.bytes)
        self._on_device: dict[tuple[str, int, int], tuple[tf.Tensor, tf.Tensor]] = {}

    def take(
        self,
        config: RunConfig,
        execution: Execution,
        images: int,
        own: Digits | None = None,
        look: Callable[[], None] | None = None,
        learns: bool = True,
    ) -> Program:
        """A program for this configuration, with the first weights that its seed gives and a new optimizer.

        Args:
            images: that an epoch trains on.
            own: more digits to learn from, after all others. A program that has seen them is not kept.
            look: called while pictures are drawn, which may take a minute; it may raise to end that.
            learns: whether it will be trained. One that will not be gets no pictures drawn, and is not kept.
        """
        batch, room = min(config.training.batch_size, images), _room(images)
        with tf.device(execution.device):
            fresh = build(config, execution.precision)
            # The optimizer's memory must be there before tracing: made inside, all would be traced twice.
            state, key = variables(fresh), _key(config, execution, batch, room)
            passing = own is not None or not learns
            program = None if passing else self._kept.get(key)
            if program:
                for variable, value in zip(variables(program.model), state, strict=True):
                    variable.assign(value)
                program.numbers.take(fresh)
            else:
                drawn = (config.data.not_digits, config.data.written) if learns else (0, 0)
                data = self._data(execution.device, *drawn, look)
                if own:
                    data = tf.concat([data[0], own.images], 0), tf.concat([data[1], own.labels.astype(np.int32)], 0)
                numbers = Numbers(fresh)
                if config.training.loop == "tape":
                    epoch, evaluation = TapeEpoch(fresh, *data, config, batch), LoopEvaluation(fresh, config)
                else:
                    epoch = CompiledEpoch(fresh, *data, config, batch, room, execution.xla, numbers)
                    evaluation = CompiledEvaluation(fresh, config.data.scaled, gives_logits(config), numbers)
                program = Program(fresh, epoch, evaluation, numbers, sum(drawn))
                if not passing:
                    self._kept[key] = program
        return program

    def _data(
        self, device: str, not_digits: int, drawn: int, look: Callable[[], None] | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Images and labels, put on a device once for all programs: MNIST's, then those that are no digits, then those
        that were drawn.
        """
        key = device, not_digits, drawn
        if key not in self._on_device:
            images, labels = [self.digits.images], [self.digits.labels]
            if not_digits:
                images.append(others(not_digits, look=look))
                labels.append(np.full(not_digits, NOT_A_DIGIT))
            if drawn:
                for parts, more in zip((images, labels), written(drawn, look=look), strict=True):
                    parts.append(more)
            if not_digits or drawn:
                # One set of drawn pictures at a time: it is seldom asked for, and as large as the digits. Programs
                # hold theirs, so they go with it.
                self._on_device = {key: kept for key, kept in self._on_device.items() if not any(key[1:])}
                for other in [other for other, program in self._kept.items() if program.drawn]:
                    del self._kept[other]
            self._on_device[key] = tf.constant(np.concatenate(images)), tf.constant(np.concatenate(labels), tf.int32)
        return self._on_device[key]


def _room(images: int) -> int:
    """The next power of two: few sizes to compile for, and none has to move many more images than it trains on."""
    return 1 << (images - 1).bit_length()


def _key(config: RunConfig, execution: Execution, batch: int, room: int) -> str:
    where = [execution.device, execution.precision, execution.xla, batch, room]
    return json.dumps([compiled_in(config), *where])
