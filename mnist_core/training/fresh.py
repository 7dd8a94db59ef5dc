"""An optimizer that is new at every step, as when a tutorial creates it inside its loop."""

from __future__ import annotations

from collections.abc import Callable

import keras
import tensorflow as tf


def forgetting(model: keras.Model, fresh: bool) -> Callable[[], None]:
    """What to call before a step: it takes the optimizer of ``model`` back to its first state, but for its rate.

    Without ``fresh`` it does nothing. It must be made before the first step.
    """
    optimizer = model.optimizer
    if not fresh:
        return lambda: None
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    memory = [variable for variable in optimizer.variables if variable is not optimizer.learning_rate]
    first = [(variable, tf.constant(variable.numpy())) for variable in memory]

    def forget() -> None:
        for variable, value in first:
            variable.assign(value)

    return forget
