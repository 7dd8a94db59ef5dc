"""An optimizer of the registry is the Keras optimizer of that name, with Keras' own defaults."""

import inspect

import keras
import pytest

from mnist_core.training.optimizers import OPTIMIZERS

KINDS = pytest.mark.parametrize("kind", OPTIMIZERS, ids=lambda kind: kind.__name__)


@KINDS
def test_defaults_are_those_of_keras(kind):
    signature = inspect.signature(getattr(keras.optimizers, kind.keras_class)).parameters
    assert kind().arguments() == {name: signature[name].default for name in kind().arguments()}


@KINDS
def test_every_field_reaches_keras_under_its_name(kind):
    arguments = kind().arguments()
    # "fresh" is a matter of the training loop: Keras has no word for it.
    assert set(arguments) == {spec.name for spec in kind.specs()} - {"fresh"}
    for edge in ("low", "high"):
        chosen = {spec.name: getattr(spec, edge) for spec in kind.specs() if spec.kind == "number"}
        optimizer = getattr(keras.optimizers, kind.keras_class)(**kind(**chosen).arguments())
        found = optimizer.get_config()
        assert {key: found[key] for key in chosen} == pytest.approx(chosen)


def test_names_are_unique_and_label_is_what_keras_calls_it():
    assert len({kind().name for kind in OPTIMIZERS}) == len(OPTIMIZERS)
    assert [kind.label for kind in OPTIMIZERS] == [kind.keras_class for kind in OPTIMIZERS]
