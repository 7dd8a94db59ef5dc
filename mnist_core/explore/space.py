"""What a sweep varies: dimensions over the settings of a RunConfig, with the ranges that are declared there."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

from mnist_core.config import SECTIONS, RunConfig, choices, parse_value
from mnist_core.errors import ConfigError
from mnist_core.explore.size import BLOCKS, FILTERS, LAYERS, SIZES, UNITS, lists_of
from mnist_core.parts import FieldSpec, plain

MOST_CHOICES = 50
POINTS = 5
"""Of a range in a grid, unless it says otherwise."""

FEW_DIGITS, ALL_DIGITS = 3, 17
"""Of a number in a name: what usually tells trials apart, and what tells any two numbers apart."""
GRID_DIGITS = 4
"""Of the points of a grid, where these tell its points apart."""

_RANGE = re.compile(r"(?P<log>log:)?(?P<low>[^:|]+?)\.\.(?P<high>[^:|]+)(?::(?P<points>\d{1,6}))?", re.I)
_ALMOST = re.compile(r"log:|.*\.\.", re.I)
"""How a range begins, and no choice."""

LOOKS = "Ranges look like 0..0.5, log:1e-5..1 (by factors) or 0..0.5:3 (points of a grid), and choices like relu|tanh"


@dataclass(frozen=True)
class Dimension:
    """One setting that varies: over a range, whole numbers or not, by steps or by factors; or among choices.

    Raises:
        ConfigError: (from ``parse`` and ``check``) no such setting, or a range that it does not allow.
    """

    key: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    points: int = POINTS

    @classmethod
    def parse(cls, text: str) -> Dimension:
        """From a command line: ``key=0..0.5``, ``key=log:1e-5..1``, ``key=log:1e-5..1:11``, ``key=relu|tanh``."""
        key, equals, value = (part.strip() for part in text.partition("="))
        if not key or not equals or not value:
            raise ConfigError(
                f"A range looks like optimizer.learning_rate=log:1e-5..1 or architecture.activation=relu|tanh, "
                f"not {text[:80]!r}."
            )
        # With three dots, a slip, 1e-5...1 would go to 0.1.
        matched = None if "..." in value else _RANGE.fullmatch(value)
        if not matched:
            several, items = declared(key).kind == "integers", [item.strip() for item in value.split("|")]
            if _ALMOST.match(value) or not all(items):
                raise ConfigError(f"{key} cannot vary over {value[:60]!r}. {LOOKS}.")
            found = [parse_value(item) for item in items]
            found = [[item] if several and isinstance(item, int) else item for item in found]
            return cls(key, choices=tuple(map(_hashable, found))).check()
        try:
            low, high = float(matched["low"]), float(matched["high"])
        except ValueError:
            raise ConfigError(f"The range of {key} is {value[:60]!r}, but must be two numbers like 0..0.5.") from None
        return cls(key, low, high, bool(matched["log"]), points=int(matched["points"] or POINTS)).check()

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Dimension:
        """From what ``asdict`` gave, after a passage through JSON."""
        try:
            typed = {name: _TYPES[name](value) for name, value in dict(data).items()}
            return cls(**typed).check(kept=True)
        except ConfigError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError):
            raise ConfigError(f"{json.dumps(data)[:80]} does not say what a sweep varies.") from None

    @property
    def spec(self) -> FieldSpec:
        """What the configuration declares of this setting."""
        return declared(self.key)

    @property
    def whole(self) -> bool:
        return self.spec.kind == "integer"

    def check(self, kept: bool = False) -> Dimension:
        """Itself, if the setting allows all that it names.

        Args:
            kept: it was made before. What earlier versions let pass can be read still.
        """
        spec = self.spec
        if spec.kind == "parts":
            raise ConfigError(
                f"{self.key} cannot vary as a whole. Vary {BLOCKS} and {FILTERS}, the number of blocks and their "
                "filters, for example as 1|2|3 and log:8..64."
            )
        if self.choices:
            if not 1 <= len(self.choices) <= MOST_CHOICES:
                raise ConfigError(f"{self.key} has {len(self.choices)} choices, but may have {MOST_CHOICES} at most.")
            for choice in self.choices:
                # These are no field of a configuration, which would look at them later.
                made = self.key in SIZES and not (type(choice) is int and spec.low <= choice <= spec.high)
                if made or not _is_a(spec.kind, choice):
                    found = " ".join(str(_plain(choice)).split())[:40]  # on one line
                    raise ConfigError(f"A choice of {self.key} is {found}, but must be {spec.allowed}. {LOOKS}.")
            if any(first == second for first, second in combinations(self.choices, 2)):  # 1 and 1.0 as well
                raise ConfigError(f"{self.key} names a choice twice. Name each once.")
            return self
        if spec.kind not in ("integer", "number"):
            raise ConfigError(f"{self.key} takes no range, but choices like {self.key}=A|B ({spec.allowed}).")
        if None in (self.low, self.high) or not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ConfigError(f"The range of {self.key} must have two ends that are numbers.")
        shown = f"{plain(self.low)}..{plain(self.high)}"
        if not self.low < self.high:
            raise ConfigError(f"The range of {self.key} is {shown}, but its low end must be below its high end.")
        if not spec.low <= self.low <= self.high <= spec.high:
            raise ConfigError(f"The range of {self.key} is {shown}, but must lie within {spec.allowed}.")
        if self.whole and not kept and (self.low % 1 or self.high % 1):
            raise ConfigError(f"The range of {self.key} is {shown}, but both ends must be whole numbers, like 1..3.")
        if self.log and self.low <= 0:
            raise ConfigError(f"The range of {self.key} goes by factors (log), so its low end must be above 0.")
        if not 2 <= self.points <= MOST_CHOICES:
            raise ConfigError(f"A grid over {self.key} has {self.points} points, but must have 2 to {MOST_CHOICES}.")
        return self

    def grid(self) -> list[Any]:
        """The values that a grid visits, low to high and each once, or the choices in their order."""
        if self.choices:
            return list(self.choices)
        if self.log:
            ratio = math.log(self.high / self.low) / (self.points - 1)
            values = [self.low * math.exp(ratio * i) for i in range(self.points)]
        else:
            values = [self.low + (self.high - self.low) * i / (self.points - 1) for i in range(self.points)]
        for digits in range(GRID_DIGITS, ALL_DIGITS + 1):
            rounded = {min(max(float(f"{value:.{digits}g}"), self.low), self.high) for value in values}
            if len(rounded) == len(values):
                break
        return sorted({round(value) for value in rounded} if self.whole else rounded)

    def to_data(self) -> dict[str, Any]:
        return asdict(self)

    def text(self) -> str:
        """As ``parse`` takes it."""
        if self.choices:
            texts = [c if isinstance(c, str) else json.dumps(c, separators=(",", ":")) for c in self.choices]
            return f"{self.key}={'|'.join(texts)}"
        points = f":{self.points}" if self.points != POINTS else ""
        return f"{self.key}={'log:' if self.log else ''}{_exact(self.low)}..{_exact(self.high)}{points}"


def keys(config: RunConfig) -> dict[str, FieldSpec]:
    """What can be varied about this configuration: its settings, and the size of its layers or blocks if it has any."""
    sections = {*config.architecture.sections, "seed"}
    known = [key for key in config.flat() if key.partition(".")[0] in sections and key != "architecture.blocks"]
    found = {key: _own(config, key) for key in known}
    if getattr(config.architecture, "hidden_units", ()):
        most = found["architecture.hidden_units"].longest
        found |= {LAYERS: replace(declared(LAYERS), high=most), UNITS: declared(UNITS)}
    if getattr(config.architecture, "blocks", ()):
        found |= {FILTERS: declared(FILTERS)}
        if (most := _most_blocks(config)) > 1:
            found |= {BLOCKS: replace(declared(BLOCKS), high=most)}
    return found


def _most_blocks(config: RunConfig) -> int:
    """How many blocks like the first leave something of the picture."""
    for count in range(int(declared(BLOCKS).high), 1, -1):
        with suppress(ConfigError):
            configure(config, {BLOCKS: count})
            return count
    return 1


def _own(config: RunConfig, key: str) -> FieldSpec:
    """As this configuration's own kind of network, optimizer or schedule declares it, which may differ from others."""
    section, _, name = key.partition(".")
    specs = type(getattr(config, section)).specs() if name else ()
    return next((spec for spec in specs if spec.name == name), None) or declared(key)


def declared(key: str) -> FieldSpec:
    """The declaration of a setting. ``ConfigError`` if no kind of configuration has it."""
    if key in SIZES:
        return SIZES[key]
    section, _, name = key.partition(".")
    if key == "seed":
        return next(spec for spec in RunConfig.specs() if spec.name == "seed")
    if section in SECTIONS and name == "name":
        names = tuple(part.model_fields["name"].default for part in choices(section) if "name" in part.model_fields)
        if names:
            return FieldSpec("name", section.capitalize(), "Which kind.", "choice", names[0], choices=names)
    for part in choices(section) if section in SECTIONS else ():
        for spec in part.specs():
            if spec.name == name:
                return spec
    raise ConfigError(
        f"There is no setting {key[:60]!r} to vary. Settings look like optimizer.learning_rate, "
        f"training.batch_size or {UNITS}."
    )


def configure(base: RunConfig, values: Mapping[str, Any], steps: int = 0) -> RunConfig:
    """The base with these settings changed, those that are sizes of a network as ``size.lists_of`` says.

    Args:
        steps: train for about so many steps whatever batch size and images, by whole epochs; 0 leaves the epochs.
    """
    config = base.replace(lists_of(base.architecture, values))
    if steps:
        epochs = min(max(1, round(steps / config.steps_per_epoch)), int(declared("training.epochs").high))
        config = config.replace({"training.epochs": epochs, "training.steps": 0})
    return config


def shown(values: Mapping[str, Any], digits: int = FEW_DIGITS) -> str:
    """``learning rate 0.01, units 64``: what a trial is called, its numbers to about so many digits."""
    words = (f"{declared(key).title.lower()} {_plain(value, digits)}" for key, value in values.items())
    return ", ".join(words)


def told_apart(several: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each of several trials is called: as short as ``shown``, but with the digits that tell them apart."""
    tries = ([shown(values, digits) for values in several] for digits in range(FEW_DIGITS, ALL_DIGITS + 1))
    return next(names for names in tries if len(set(names)) == len(names))


def _plain(value: Any, digits: int = FEW_DIGITS) -> str:
    if isinstance(value, float):
        texts = (f"{value:.{count}g}" for count in range(digits, ALL_DIGITS + 1))
        # Rounded to a whole number it would be another: 0.9999 is not 1.
        return next(text for text in texts if value.is_integer() or not float(text).is_integer())
    return "-".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def _exact(number: float) -> str:
    """As short as it goes without becoming another number."""
    return short if float(short := f"{number:g}") == number else repr(number)


def _is_a(kind: str, value: Any) -> bool:
    """Whether a choice may be a value of a setting of this kind; how large it is, a configuration looks at."""
    if kind not in ("integer", "number"):
        return True
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and (kind == "number" or not value % 1)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _exactly(*types: type):
    """What takes a value of these types alone (``bool`` is no ``int`` here), or raises ``TypeError``."""

    def check(value: Any) -> Any:
        if type(value) not in types:
            raise TypeError(type(value))
        return value

    return check


def _end(value: Any) -> float | None:
    return None if value is None else float(_exactly(int, float)(value))


def _choices(values: Any) -> tuple[Any, ...]:
    scalar = _exactly(str, int, float, bool)
    return tuple(
        tuple(map(_exactly(int), c)) if isinstance(c, (list, tuple)) else scalar(c)
        for c in _exactly(list, tuple)(values)
    )


_TYPES = {
    "key": _exactly(str), "low": _end, "high": _end, "log": _exactly(bool), "choices": _choices, "points": _exactly(int)
}  # fmt: skip
