"""Networks for tests of model files."""

import keras
import numpy as np

L = keras.layers


def sequential(*layers, shape=(28, 28, 1), **options):
    return keras.Sequential([keras.Input(shape, **options), *layers])


def readers(shape=(28, 28, 1), last="softmax"):
    return sequential(L.Flatten(), L.Dense(8, "relu"), L.Dense(10, last), shape=shape)


def branched():
    image = keras.Input((28, 28, 1), name="digit")
    left, right = (L.Conv2D(4, 3, activation="relu")(image) for _ in range(2))
    both = L.BatchNormalization()(L.Add()([left, right]))
    return keras.Model(image, L.Dense(10, "softmax")(L.Dropout(0.3)(L.Flatten()(both))))


def of_many_kinds():
    rows = keras.Input((28, 28))
    x = L.Bidirectional(L.LSTM(4, return_sequences=True))(L.Rescaling(1 / 255)(rows))
    x = L.TimeDistributed(L.Dense(4, kernel_regularizer="l2"))(L.MultiHeadAttention(2, 3)(x, x))
    x = L.GRU(5)(L.LayerNormalization()(x))
    inner = keras.Sequential([L.Dense(7), L.LeakyReLU(), L.PReLU(), L.Dense(10)])
    return keras.Model(rows, L.Softmax()(inner(x)))


def answers(model, images, scaled=True):
    images = images[..., None].astype(np.float32) * np.float32(1 / 255 if scaled else 1)
    return np.asarray(model(images, training=False))
