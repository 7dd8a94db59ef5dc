"""A run's whole configuration as one validated value.

``RunConfig`` says everything that makes a run. Forms are built from it, links carry it, the store keeps it, and
the same value on the same machine trains to the same numbers. Ranges, defaults and help texts stand here and in
the registries it refers to (architectures, optimizers, schedules), and nowhere else.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Union

from pydantic import Field, ValidationError, model_validator

from mnist_core.errors import ConfigError
from mnist_core.messages import sentences
from mnist_core.models.architectures import ARCHITECTURES, MLP
from mnist_core.models.plan import PlannedLayer, count_parameters
from mnist_core.models.uploaded import Uploaded
from mnist_core.parts import Part, number, plain
from mnist_core.sections import Augmentation, DataConfig, FineTuning, Training
from mnist_core.training.optimizers import OPTIMIZERS, Adam
from mnist_core.training.schedules import SCHEDULES, Constant

Architecture = Annotated[Union[(*ARCHITECTURES, Uploaded)], Field(discriminator="name")]
OptimizerChoice = Annotated[Union[OPTIMIZERS], Field(discriminator="name")]  # noqa: UP007 - from the registry
ScheduleChoice = Annotated[Union[SCHEDULES], Field(discriminator="name")]  # noqa: UP007


MNIST_IMAGES = 60_000
"""In the training set, before any are held out."""

MOST_PARAMETERS = 30_000_000
"""Six layers of 2,048 units have 23 million. A checkpoint holds three numbers of 4 bytes for each."""


class RunConfig(Part):
    """Everything that makes a run; frozen, JSON round trip by ``to_json`` and ``parse``.

    Raises:
        ConfigError: (from ``parse`` and ``replace``) naming each wrong key, what was received and what is allowed.
    """

    architecture: Architecture = Field(default_factory=MLP)
    optimizer: OptimizerChoice = Field(default_factory=Adam)
    schedule: ScheduleChoice = Field(default_factory=Constant)
    data: DataConfig = Field(default_factory=DataConfig)
    augmentation: Augmentation = Field(default_factory=Augmentation)
    training: Training = Field(default_factory=Training)
    fine_tuning: FineTuning | None = None
    """Of runs that begin from another run's network instead of from the seed's weights."""
    seed: int = number(
        1, 0, 2**31 - 1, "Seed", "Where chance begins: same seed, same start and order, so same numbers."
    )

    @model_validator(mode="before")
    @classmethod
    def _default_names(cls, data: Any) -> Any:
        """``{"optimizer": {"learning_rate": 0.1}}`` means the default optimizer with another rate."""
        if isinstance(data, Mapping):
            defaults = {"architecture": "mlp", "optimizer": "adam", "schedule": "constant"}
            data = {
                key: {"name": defaults[key]} | value
                if key in defaults and isinstance(value, dict) and "name" not in value
                else value
                for key, value in data.items()
            }
        return data

    @model_validator(mode="after")
    def _possible(self) -> RunConfig:
        """Refuses what each field allows but the whole does not."""
        layers = self.architecture.planned()
        if count_parameters(layers) > MOST_PARAMETERS:
            largest = max(layers, key=lambda layer: layer.parameters)
            raise ConfigError(
                f"The network has {count_parameters(layers):,} parameters, but may have {MOST_PARAMETERS:,} at most. "
                f"Most are in {largest.name} ({largest.arithmetic}): use fewer units or filters, or more pooling."
            )
        for wish, needs in (
            ("early_stopping", self.training.early_stopping > 0),
            ("plateau", self.schedule.name == "plateau"),
        ):
            if needs and not self.data.validation_fraction:
                raise ConfigError(
                    f"{wish.replace('_', ' ').capitalize()} watches the validation loss, but "
                    f"data.validation_fraction is 0. Hold out some images, for example 0.1, or turn it off."
                )
        if self.training.loss == "clipped" and (
            getattr(self.architecture, "output", "") == "logits" or self.training.label_smoothing
        ):
            raise ConfigError(
                "The clipped loss is written for probabilities and plain labels. Set architecture.output to softmax "
                "and training.label_smoothing to 0, or training.loss to cross_entropy."
            )
        if self.data.not_digits and (self.architecture.family == "classical" or self.training.loss == "clipped"):
            raise ConfigError(
                "Pictures that are no digits are learned by asking for ten equal probabilities, which classical models "
                "and the clipped loss cannot do. Set data.not_digits to 0, or choose a network with cross_entropy."
            )
        if self.data.written and self.architecture.family == "classical":
            raise ConfigError(
                "Classical models learn from MNIST's own images alone. Set data.written to 0, or choose a network."
            )
        if getattr(self.optimizer, "nesterov", False) and not self.optimizer.momentum:
            raise ConfigError("Nesterov needs momentum. Set optimizer.momentum, for example to 0.9, or turn it off.")
        return self

    @classmethod
    def parse(cls, data: str | bytes | Mapping[str, Any]) -> RunConfig:
        """Makes a configuration from JSON text or a mapping; absent keys take their defaults."""
        try:
            return cls.model_validate(dict(data if isinstance(data, Mapping) else _from_json(data)))
        except ValidationError as error:
            raise ConfigError(" ".join(sentences(error, [s for s in SECTIONS if len(choices(s)) > 1]))) from None
        except RecursionError:
            raise ConfigError("The configuration is nested too deeply. It has two levels at most.") from None

    def to_json(self) -> str:
        """Compact JSON with every key, equal for equal configurations."""
        return self.model_dump_json(exclude_none=True)

    def replace(self, changes: Mapping[str, Any]) -> RunConfig:
        """A copy with dotted keys changed, such as ``{"optimizer.learning_rate": 0.1}``.

        Another ``….name`` keeps those settings of the old choice that the new one allows too, except a learning
        rate, which takes the new optimizer's default. The present name changes nothing.
        """
        data = self.model_dump(mode="json")
        for key, value in sorted(changes.items(), key=lambda item: not item[0].endswith(".name")):
            _set(data, key, value)
        return RunConfig.parse(data)

    def flat(self) -> dict[str, Any]:
        """Every setting under its dotted key, lists left whole: a row of a table.

        Of a network that was trained elsewhere only those that are known of it.
        """
        flat = dict(_flatten(self.model_dump(mode="json", exclude_none=True)))
        if not self.architecture.trainable:
            known = ("architecture.name", "architecture.file", "architecture.digest", "data.scaled")
            flat = {key: flat[key] for key in known}
        return flat

    def differences(self, other: RunConfig) -> dict[str, tuple[Any, Any]]:
        """Settings whose values differ, as ``{key: (ours, theirs)}``; ``None`` where one has no such setting."""
        ours, theirs = self.flat(), other.flat()
        keys = [*ours, *(k for k in theirs if k not in ours)]
        return {k: (ours.get(k), theirs.get(k)) for k in keys if ours.get(k) != theirs.get(k)}

    @cached_property
    def layers(self) -> list[PlannedLayer]:
        """The network's layers with shapes and parameter counts."""
        return self.architecture.planned()

    @property
    def parameters(self) -> int:
        return count_parameters(self.layers)

    @property
    def not_enough(self) -> str:
        """Why these settings alone are not enough to train a network, as a sentence; nothing if they are."""
        if not self.architecture.trainable:
            return "An uploaded network was trained elsewhere; choose another architecture to train."
        if self.fine_tuning:
            return "A fine-tuning begins where its drawings are: under *My handwriting* on the Draw page."
        return ""

    @property
    def training_images(self) -> int:
        """How many images an epoch has: digits, drawn ones, others, and own drawings as often as they come."""
        digits = min(self.data.subset, MNIST_IMAGES - math.ceil(self.data.validation_fraction * MNIST_IMAGES))
        return digits + self.data.not_digits + self.data.written + (self.fine_tuning.images if self.fine_tuning else 0)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(self.training_images / self.training.batch_size)

    @property
    def total_steps(self) -> int:
        """Steps of the whole run, early stopping aside."""
        if self.architecture.family == "classical":
            return self.architecture.steps
        return self.training.steps or self.training.epochs * self.steps_per_epoch

    @property
    def epochs(self) -> int:
        """Epochs of the whole run, one that is only begun among them; of classical models, rounds."""
        if self.architecture.family == "classical":
            return self.architecture.rounds
        return math.ceil(self.total_steps / self.steps_per_epoch)

    def summary(self) -> str:
        """One line for lists: ``MLP 128, Adam 0.001, 5 epochs of 128``."""
        arch = self.architecture
        if not arch.trainable:
            return f"{arch.label} of {len(self.layers)} layers"
        if arch.family == "classical":
            return arch.summary()
        filters = [block.filters for block in getattr(arch, "blocks", ()) for _ in range(block.convolutions)]
        shape = filters + list(getattr(arch, "hidden_units", ()))
        name = arch.name.upper() if len(arch.name) <= 3 else arch.name.capitalize()
        size = " " + "-".join(map(str, shape)) if shape else ""
        unit, count = ("step", self.training.steps) if self.training.steps else ("epoch", self.training.epochs)
        epochs = f"{count:,} {unit}" + "s" * (count != 1)
        rate = plain(self.optimizer.learning_rate)
        return f"{name}{size}, {self.optimizer.label} {rate}, {epochs} of {self.training.batch_size}"


SECTIONS: tuple[str, ...] = ("architecture", "optimizer", "schedule", "data", "augmentation", "training")
"""The parts of a RunConfig in the order in which a form shows them; ``seed`` stands alone."""


TITLES = {"architecture": "Network", "optimizer": "Optimizer", "schedule": "Learning-rate schedule"}
"""What readers call the sections that are a choice of kinds; the others have a label of their own."""


def choices(section: str) -> tuple[type[Part], ...]:
    """The classes that a section may be: one, or all of a registry."""
    registries = {"architecture": ARCHITECTURES, "optimizer": OPTIMIZERS, "schedule": SCHEDULES}
    return registries.get(section) or (RunConfig.model_fields[section].annotation,)


def parse_value(text: str) -> Any:
    """A command line's value: JSON where it is JSON, ``128,64`` as a list, else the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        if "," in text:
            return [parse_value(item.strip()) for item in text.split(",") if item.strip()]
        return {"True": True, "False": False}.get(text, text)


def _from_json(text: str | bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"The configuration is not valid JSON: {error}.") from None
    if not isinstance(data, Mapping):
        raise ConfigError(f"A configuration is an object like {{\"seed\": 1}}, not {json.dumps(data)[:80]}.")
    return data


def _set(data: dict[str, Any], key: str, value: Any) -> None:
    section, _, field = key.partition(".")
    if key in ("architecture.name", "optimizer.name", "schedule.name"):
        if value == data[section]["name"]:
            return
        chosen = next((c for c in choices(section) if c.model_fields["name"].default == value), None)
        old = data[section].items() if chosen else ()
        kept = {k: v for k, v in old if k not in ("name", "learning_rate") and _allows(chosen, k, v)}
        data[section] = kept | {"name": value}
    elif not field and section in RunConfig.model_fields and section not in SECTIONS:
        data[section] = value
    elif field and section in SECTIONS:
        data[section] = {**data[section], field: value}
    else:
        known = [*(k for k in RunConfig().flat()), "seed"]
        raise ConfigError(f"There is no setting {key!r}. Settings look like {known[1]}, {known[7]} or seed.")


def _allows(part: type[Part], field: str, value: Any) -> bool:
    try:
        part.model_validate({field: value})
    except ValidationError:
        return False
    return True


def _flatten(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
