"""Networks and arrays as bytes, as the store keeps them and files hold them."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import keras
import numpy as np

from mnist_core.errors import ModelFileError
from mnist_core.models.subclassed import portable


def to_bytes(model: keras.Model) -> bytes:
    """The network as a ``.keras`` file of standard layers, to be read by Keras alone.

    It is not compiled: Keras would keep the optimizer's memory with it, twice its size, and losses of our own.
    """
    standard = portable(model)
    bare = type(standard).from_config(standard.get_config())
    bare.set_weights(standard.get_weights())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        bare.save(path)
        return path.read_bytes()


def from_bytes(data: bytes) -> keras.Model:
    """The model in a ``.keras`` file. ``ModelFileError`` if it is none, or does not read digits."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        path.write_bytes(data)
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
            shapes = tuple(model.input_shape[1:]), tuple(model.output_shape[1:])
        except Exception as error:
            # Keras raises many kinds here, from bad archives to unknown layers; all mean the same to the reader.
            raise ModelFileError(
                f"The model file cannot be read ({type(error).__name__}). It should be a .keras file of standard "
                f"layers, as the Runs page gives it."
            ) from None
    if shapes != ((28, 28, 1), (10,)):
        takes, gives = shapes
        raise ModelFileError(f"The model takes {takes} and gives {gives}, but must take (28, 28, 1) and give (10,).")
    return model


def array_bytes(array: np.ndarray) -> bytes:
    packed = io.BytesIO()
    np.save(packed, array, allow_pickle=False)
    return packed.getvalue()
