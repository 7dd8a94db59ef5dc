"""The files in which a run's network can be taken home; what each holds and what it is good for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Format:
    """One kind of file: its ending, its media type, and words for readers."""

    name: str
    label: str
    ending: str
    media: str
    help: str


_KERAS = Format(
    "keras",
    "Keras (.keras)",
    ".keras",
    "application/zip",
    "The whole network in Keras' own format: architecture, weights and optimizer. For keras.models.load_model.",
)
_H5 = Format(
    "h5",
    "HDF5 (.h5)",
    ".h5",
    "application/x-hdf5",
    "Architecture and weights in one HDF5 file, which older versions of Keras and many other programs read.",
)
_JSON = Format(
    "json",
    "Architecture (.json)",
    ".json",
    "application/json",
    "The layers and how they are joined, without weights: for keras.models.model_from_json. Only a Sequential or a "
    "functional model can say this of itself. One written as a class of its own (a subclassed model) is Python code: "
    "it has no architecture in JSON and no picture of its layers, and its weights are of use only beside that code. "
    "What MNIST Lab trained as a subclass is handed out as the same network in standard layers, so each has both.",
)
_WEIGHTS = Format(
    "weights",
    "Weights (.weights.h5)",
    ".weights.h5",
    "application/x-hdf5",
    "The numbers alone, for model.load_weights on a model with the same architecture.",
)

FORMATS: dict[str, Format] = {format.name: format for format in (_KERAS, _H5, _JSON, _WEIGHTS)}
