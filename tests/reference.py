"""Training written out plainly, step by step, to hold the compiled training against. Needs TensorFlow."""

import keras
import numpy as np
import tensorflow as tf

from mnist_core.data.augment import augment
from mnist_core.models.build import build


def plain_loop(config, part, orders, rates, first_step=0):
    """Trains on ``part`` (digits) in the given orders of images, one for every epoch.

    Args:
        rates: the learning rate of every step.
        first_step: number of the first step in the whole run.

    Returns:
        The weights, and ``(loss, right answers, images)`` of every step.
    """
    model, steps = build(config), []
    model.layers[-1].activation = keras.activations.linear
    smoothing, l2 = config.training.label_smoothing, getattr(config.architecture, "l2", 0.0)
    size = config.training.batch_size
    batches = [order[start : start + size] for order in orders for start in range(0, len(order), size)]
    for number, (here, rate) in enumerate(zip(batches, rates, strict=True)):
        images = tf.constant(part.images[here].astype(np.float32)[..., None])
        images = images / 255.0 if config.data.scaled else images
        if config.augmentation.active:
            images = augment(images, config.augmentation, tf.constant([config.seed, first_step + number]))
        wanted = np.eye(10, dtype=np.float32)[part.labels[here]] * (1 - smoothing) + smoothing / 10
        weights = model.trainable_weights
        with tf.GradientTape() as tape:
            answers = model(images, training=True)
            loss = -tf.reduce_mean(tf.reduce_sum(wanted * tf.nn.log_softmax(answers), axis=1))
            for weight in weights:
                if weight.path.endswith("kernel"):
                    loss += l2 * tf.reduce_sum(weight.value**2)
        gradients = tape.gradient(loss, [weight.value for weight in weights])
        model.optimizer.learning_rate = rate
        model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        right = (answers.numpy().argmax(axis=1) == part.labels[here]).sum()
        steps.append((float(loss), int(right), len(here)))
    return model.get_weights(), steps
