"""The forward pass in training gives what the model itself gives, and the same gradients."""

import numpy as np
import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.models.build import build
from mnist_core.training.forward import forward

BLOCKS = [
    {"filters": 4, "kernel": 5},
    {"filters": 6, "convolutions": 2, "padding": "same", "batch_norm": True, "dropout": 0.2},
    {"filters": 6, "pooling": "none"},
]
KINDS = {
    "sequential": {},
    "functional": {"api": "functional"},
    "gelu": {"activation": "gelu"},
    "no pooling at all": {"blocks": BLOCKS[2:]},
    "average": {"blocks": [BLOCKS[0] | {"pooling": "average"}]},
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_answers_and_gradients_are_those_of_the_model(kind, precision, digits):
    config = RunConfig.parse({"architecture": {"name": "cnn", "blocks": BLOCKS, "l2": 0.01} | KINDS[kind]})
    images = tf.constant(digits.images[:64, ..., None] / np.float32(255))
    labels = tf.constant(digits.labels[:64], tf.int32)

    def learned(forward):
        model = build(config, precision)
        activations = [getattr(layer, "activation", None) for layer in model.layers]
        with tf.GradientTape() as tape:
            outputs = forward(model, images)
            loss = model.loss(labels, outputs) + tf.add_n(model.losses)
        assert [getattr(layer, "activation", None) for layer in model.layers] == activations
        variables = [value.numpy() for value in model.non_trainable_variables]
        return [outputs.numpy(), *tape.gradient(loss, [v.value for v in model.trainable_variables]), *variables]

    plain = learned(lambda model, images: model(images, training=True))
    for found, expected in zip(learned(forward), plain, strict=True):
        np.testing.assert_array_equal(found, expected)


def test_relu_goes_through_what_pooling_has_left():
    model = build(RunConfig.parse({"architecture": {"name": "cnn", "blocks": BLOCKS}}))

    @tf.function(input_signature=[tf.TensorSpec([8, 28, 28, 1])])
    def gradients(images):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(forward(model, images))
        return tape.gradient(loss, [variable.value for variable in model.trainable_variables])

    operations = gradients.get_concrete_function().graph.get_operations()
    sides = {op.outputs[0].shape[1] for op in operations if op.type == "ReluGrad"}
    assert sides == {12, 6, 4}, "24 and 12 are halved before; the last block has no pooling"
