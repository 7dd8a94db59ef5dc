"""Which parts a model file may name: an allowlist, applied to its configuration before Keras sees any of it.

A Keras file is a recipe for calling constructors. Whoever writes it chooses the names, so Keras gets a copy that
holds only standard layers and their standard parts, each with the module that we know it from. Nothing here needs
TensorFlow, and nothing is imported, built or called by a name from the file.
"""

from __future__ import annotations

import math
from typing import Any

from mnist_core.errors import ModelFileError
from mnist_core.models.upload import shown

MOST_LAYERS = 200
MOST_DEPTH = 60
"""Levels of nesting in a configuration; ten models in each other have about 50."""

MOST_VALUES = 200_000

MODELS = {"Sequential": "keras", "Functional": "keras.src.models.functional", "Model": "keras.src.models.functional"}

_LAYERS = """
    InputLayer Dense Activation Flatten Reshape Permute RepeatVector Rescaling Identity Masking Embedding
    Conv1D Conv2D Conv1DTranspose Conv2DTranspose SeparableConv1D SeparableConv2D DepthwiseConv1D DepthwiseConv2D
    MaxPooling1D MaxPooling2D AveragePooling1D AveragePooling2D GlobalMaxPooling1D GlobalMaxPooling2D
    GlobalAveragePooling1D GlobalAveragePooling2D ZeroPadding1D ZeroPadding2D Cropping1D Cropping2D UpSampling1D
    UpSampling2D BatchNormalization LayerNormalization GroupNormalization UnitNormalization RMSNormalization
    Dropout AlphaDropout GaussianDropout GaussianNoise SpatialDropout1D SpatialDropout2D ActivityRegularization
    ReLU LeakyReLU PReLU ELU Softmax Add Subtract Multiply Average Maximum Minimum Concatenate Dot
    SimpleRNN LSTM GRU Bidirectional TimeDistributed MultiHeadAttention Attention AdditiveAttention
    RandomRotation RandomTranslation RandomZoom
"""
LAYERS = dict.fromkeys(_LAYERS.split(), "keras.layers")

_INITIALIZERS = """
    Zeros Ones Constant Identity RandomNormal RandomUniform TruncatedNormal VarianceScaling Orthogonal GlorotNormal
    GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
"""
INITIALIZERS = dict.fromkeys(_INITIALIZERS.split(), "keras.initializers")
REGULARIZERS = dict.fromkeys(("L1", "L2", "L1L2", "OrthogonalRegularizer"), "keras.regularizers")
CONSTRAINTS = dict.fromkeys(("MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm"), "keras.constraints")
POLICIES = {"DTypePolicy": "keras", "Policy": "keras"}
PRECISIONS = {"float16", "float32", "float64", "bfloat16", "mixed_float16", "mixed_bfloat16"}

_ACTIVATIONS = """
    celu elu exponential gelu glu hard_shrink hard_sigmoid hard_silu hard_swish hard_tanh leaky_relu linear
    log_sigmoid log_softmax mish relu relu6 selu sigmoid silu soft_shrink softmax softplus softsign sparse_plus
    sparse_sigmoid sparsemax squareplus swish tanh tanh_shrink threshold
"""
ACTIVATIONS = set(_ACTIVATIONS.split())

_RENAMED = {"Policy": "DTypePolicy", "Model": "Functional"}
"""Names of older versions of Keras."""

_KEPT = ("name", "inbound_nodes")
"""What Keras reads beside a part's own configuration. How it was built and compiled is left behind: a file could
make Keras build a layer of any size that way, before its parameters have been counted."""


def vet(config: Any) -> dict[str, Any]:
    """A copy of a model's configuration that Keras may build.

    Args:
        config: what ``model.to_json()`` says, or ``config.json`` of a ``.keras`` file, or ``model_config`` of an
            HDF5 file, as parsed.

    Raises:
        ModelFileError: naming the first part that is not a standard one.
    """
    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ModelFileError("The architecture is not one that Keras wrote: it names no class of model.")
    if config["class_name"] not in MODELS:
        raise ModelFileError(
            f"The model is of the class {shown(config['class_name'])}, whose Python code is not in the file (a "
            f"subclassed model). Only Sequential and functional models of standard Keras layers are accepted."
        )
    return _Vetting().part(config, MODELS, "model", 0)


class _Vetting:
    """One walk through a configuration, with what it has counted so far."""

    def __init__(self):
        self._values, self._layers = 0, 0

    def part(self, part: dict[str, Any], allowed: dict[str, str], what: str, depth: int) -> Any:
        """A part: a dict with ``class_name``. What it may be follows from where it stands, not from what it says."""
        name = part["class_name"]
        if name == "__tuple__" and isinstance(part.get("items"), list):
            return self._value("", part["items"], depth)
        if name == "__keras_tensor__" and what == "layer":
            return {"class_name": name, "config": self._value("", part.get("config"), depth)}
        if name == "function":
            return self._function(part)
        if not isinstance(name, str) or name not in allowed:
            raise ModelFileError(_refusal(what, name))
        home, claimed = part.get("module"), part.get("registered_name")
        if not (home is None or _is_keras(home)) or claimed not in (None, name, f"Keras>{name}"):
            origin = claimed if _is_keras(home) or home is None else home
            raise ModelFileError(
                f"The {what} {shown(name)} comes from {shown(origin)} and not from Keras itself. Only standard "
                f"Keras layers are accepted."
            )
        self._layers += name in LAYERS or name in MODELS
        if self._layers > MOST_LAYERS:
            raise ModelFileError(f"The model has more than {MOST_LAYERS} layers, which is the most accepted here.")
        name = _RENAMED.get(name, name)
        kept = {key: self._value(key, part[key], depth + 1) for key in _KEPT if key in part}
        if not isinstance(part.get("config"), dict):
            raise ModelFileError(f"The {what} {shown(name)} has no settings; the file is damaged.")
        config = self._value("", part["config"], depth + 1)
        if not isinstance(config, dict):
            raise ModelFileError(f"The {what} {shown(name)} has settings of an unknown kind; the file is damaged.")
        kind = config.get("name")
        if what == "data type" and (not isinstance(kind, str) or kind not in PRECISIONS):
            raise ModelFileError(f"Numbers of the kind {shown(kind)} are not accepted.")
        registered = name if name == "Functional" else None
        return {"module": allowed[name], "class_name": name, "config": config, "registered_name": registered} | kept

    def _function(self, part: dict[str, Any]) -> str:
        """A function is one of Keras' activations, and goes on as its name."""
        name, home, claimed = part.get("config"), part.get("module"), part.get("registered_name")
        known = home in (None, "builtins") or _is_keras(home)
        if not isinstance(name, str) or name not in ACTIVATIONS or not known or claimed not in (None, "function", name):
            raise ModelFileError(_refusal("function", name))
        return name

    def _value(self, key: str, value: Any, depth: int) -> Any:
        self._values += 1
        if depth > MOST_DEPTH or self._values > MOST_VALUES:
            raise ModelFileError("The architecture is nested too deeply or has too many settings to be a model's.")
        allowed, what = _place(key)
        if isinstance(value, dict):
            if "class_name" in value:
                return self.part(value, allowed, what, depth + 1)
            return {str(k): self._value(str(k), v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return [self._value(key, v, depth + 1) for v in value]
        if isinstance(value, str) and what not in ("layer", "data type"):
            known = ACTIVATIONS if what == "function" else allowed
            if _plain(value) not in {_plain(name) for name in known}:
                raise ModelFileError(_refusal(what, value))
        if isinstance(value, float) and not math.isfinite(value):
            raise ModelFileError("The architecture holds a setting that is infinite or not a number.")
        return value


def _place(key: str) -> tuple[dict[str, str], str]:
    """What may stand under a key of a configuration, and what to call it."""
    if key.endswith("_initializer"):
        return INITIALIZERS, "initializer"
    if key.endswith("_regularizer"):
        return REGULARIZERS, "regularizer"
    if key.endswith("_constraint"):
        return CONSTRAINTS, "constraint"
    if key == "dtype":
        return POLICIES, "data type"
    if key in ("activation", "recurrent_activation"):
        return LAYERS, "function"
    return LAYERS | MODELS, "layer"


def _refusal(what: str, name: Any) -> str:
    if name == "Lambda":
        return (
            "The model has a Lambda layer, which is program code and could do anything on this machine. Only standard "
            "Keras layers are accepted: Rescaling, Reshape or Activation often do the same."
        )
    kind = "activation function" if what == "function" else what
    return f"The model has the {kind} {shown(name)}, which is not one of Keras' standard ones that are accepted here."


def _plain(name: str) -> str:
    """``GlorotUniform`` and ``glorot_uniform`` are the same to Keras."""
    return name.replace("_", "").lower()


def _is_keras(module: Any) -> bool:
    roots = ("keras", "tf_keras", "tensorflow.keras", "tensorflow.python.keras")
    return isinstance(module, str) and any(module == root or module.startswith(f"{root}.") for root in roots)
