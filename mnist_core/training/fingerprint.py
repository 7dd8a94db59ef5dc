"""What a network's weights are before training, in a few bytes: so that *the same start* can be shown, not claimed."""

from __future__ import annotations

import hashlib
import json

import keras
import numpy as np


def fingerprint(model: keras.Model) -> bytes:
    """JSON ``{layer: digest}`` of the weights that chance has drawn; equal for equal weights of equal shape.

    Biases and averages begin at 0 or 1 everywhere and say nothing. The last layer is called *output*.
    """
    layers = [layer for layer in model.layers if any(len(weight.shape) > 1 for weight in layer.weights)]
    digests = {}
    for layer in layers:
        name = "output" if layer is model.layers[-1] else layer.name
        arrays = [np.asarray(weight) for weight in layer.weights if len(weight.shape) > 1]
        shapes = str([array.shape for array in arrays]).encode()
        digests[name] = hashlib.sha256(shapes + b"".join(array.tobytes() for array in arrays)).hexdigest()[:12]
    return json.dumps(digests).encode()
