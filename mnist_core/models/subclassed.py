"""Networks as subclasses of ``keras.Model``: how they are written, and what a file of one needs.

A subclassed model is code: ``call`` may do anything, so Keras cannot know its graph before it is called, and a file
of it can be read only where its class is. (In Keras 2, HDF5 and the architecture as JSON were not possible at all.)
``portable`` gives the same network in standard layers; that is what is kept and handed out.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from mnist_core.models.plan import CLASSES, INPUT_SHAPE

PIXELS = INPUT_SHAPE[0] * INPUT_SHAPE[1]


class SubclassedNetwork(keras.Model):
    """Calls its layers one after the other."""

    def __init__(self, stack: Sequence[keras.layers.Layer], name: str):
        super().__init__(name=name)
        self.stack = list(stack)
        self.build((None, *INPUT_SHAPE))

    def build(self, input_shape):
        self.call(keras.Input(input_shape[1:]))
        self.built = True

    def call(self, images):
        values = images
        for layer in self.stack:
            values = layer(values)
        return values


class RawSoftmax(keras.Model):
    """``softmax(xW + b)`` of two raw variables, without a layer.

    Args:
        output: the dense layer in whose place it stands: its initializers, penalty and activation are used.
    """

    def __init__(self, output: keras.layers.Dense, name: str):
        super().__init__(name=name)
        self.W = self.add_weight(
            (PIXELS, CLASSES), output.kernel_initializer, regularizer=output.kernel_regularizer, name="W"
        )
        self.b = self.add_weight((CLASSES,), output.bias_initializer, name="b")
        self.activation, self.built = output.activation, True

    def call(self, images):
        x = ops.reshape(images, (-1, PIXELS))
        return self.activation(ops.matmul(x, self.W) + self.b)


def portable(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, in standard layers that Keras can read anywhere."""
    image = keras.Input(INPUT_SHAPE, name="image")
    if isinstance(model, SubclassedNetwork):
        return keras.Sequential([image, *model.stack], name=model.name)
    if isinstance(model, RawSoftmax):
        output = keras.layers.Dense(CLASSES, activation=model.activation, kernel_regularizer=model.W.regularizer)
        same = keras.Sequential([image, keras.layers.Flatten(), output], name=model.name)
        same.set_weights([model.W, model.b])
        return same
    return model
