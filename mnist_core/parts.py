"""The bricks of a configuration: frozen, validated parts whose fields declare range, default and help once.

Forms, command line, messages and documents all read these declarations through ``Part.specs``.
"""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """One part of a run's configuration. Frozen; an unknown key is refused, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)

    label: ClassVar[str] = ""
    """What a reader calls this part."""
    sentence: ClassVar[str] = ""
    """One sentence that says what it is and when to use it."""

    @classmethod
    def specs(cls) -> list[FieldSpec]:
        """Every field that a reader may set, in the order of declaration, the seldom used last."""
        specs = [FieldSpec.of(name, info) for name, info in cls.model_fields.items() if name != "name"]
        return sorted(specs, key=lambda spec: spec.rare)


@dataclass(frozen=True)
class FieldSpec:
    """What is known about one field: enough to draw a widget, check a value or write a manual."""

    name: str
    title: str
    help: str
    kind: str
    """One of ``integer``, ``number``, ``switch``, ``choice``, ``integers`` (a list), ``parts`` (a list)."""
    default: Any
    low: float | None = None
    high: float | None = None
    shortest: int | None = None
    longest: int | None = None
    choices: tuple[Any, ...] = ()
    log: bool = False
    rare: bool = False
    counted: str = ""
    """What the entries of a list are called where their number is asked for."""
    item: type[Part] | None = None

    @classmethod
    def of(cls, name: str, info: Any) -> FieldSpec:
        kind, choices, item, item_bounds = _kind(info.annotation)
        bounds = {type(m).__name__: m for m in info.metadata}
        extra = info.json_schema_extra or {}
        low = getattr(bounds.get("Ge"), "ge", None) if not item_bounds else item_bounds[0]
        high = getattr(bounds.get("Le"), "le", None) if not item_bounds else item_bounds[1]
        return cls(
            name=name,
            title=info.title or name,
            help=info.description or "",
            kind=kind,
            default=info.get_default(call_default_factory=True),
            low=low,
            high=high,
            shortest=getattr(bounds.get("MinLen"), "min_length", None),
            longest=getattr(bounds.get("MaxLen"), "max_length", None),
            choices=choices,
            log=bool(extra.get("log")),
            rare=bool(extra.get("rare")),
            counted=extra.get("counted", ""),
            item=item,
        )

    @property
    def allowed(self) -> str:
        """The allowed values in words, as messages and manuals say them."""
        if self.kind == "choice":
            return "one of " + ", ".join(str(c) for c in self.choices)
        if self.kind == "switch":
            return "true or false"
        if self.kind == "parts":
            return f"{self.shortest} to {self.longest} of them"
        span = f"from {plain(self.low)} to {plain(self.high)}"
        if self.kind == "integers":
            return f"{self.shortest} to {self.longest} whole numbers, each {span}"
        return ("a whole number " if self.kind == "integer" else "a number ") + span


def plain(number: float | int | None) -> str:
    """A number as a student writes it: ``60,000``, ``0.001``, ``1e-06``."""
    if number is None:
        return "any"
    return f"{number:,}" if isinstance(number, int) else f"{number:,g}"


def number(
    default: float, low: float, high: float, title: str, help: str, log: bool = False, rare: bool = False
) -> Any:
    """Declares a bounded number; ``log`` says that it is best explored by factors, not by steps."""
    extra = {"log": log, "rare": rare}
    return Field(default, ge=low, le=high, title=title, description=help, json_schema_extra=extra)


def option(default: Any, title: str, help: str, rare: bool = False) -> Any:
    """Declares a switch or a choice among the values of its ``Literal`` type.

    ``rare`` is for what few readers need: forms keep it apart from the rest.
    """
    return Field(default, title=title, description=help, json_schema_extra={"rare": rare})


def several(default: Any, shortest: int, longest: int, title: str, help: str, counted: str) -> Any:
    """Declares a list of numbers or of parts, with its allowed length; ``counted`` is what its entries are called."""
    extra = {"counted": counted}
    return Field(
        default, min_length=shortest, max_length=longest, title=title, description=help, json_schema_extra=extra
    )


def _kind(annotation: Any) -> tuple[str, tuple, type[Part] | None, tuple | None]:
    """The kind of a field's type, with choices, item class and item bounds where there are any."""
    origin = get_origin(annotation)
    if annotation is bool:
        return "switch", (), None, None
    if annotation is int:
        return "integer", (), None, None
    if annotation is float:
        return "number", (), None, None
    if origin is Literal:
        return "choice", get_args(annotation), None, None
    if origin is tuple:
        item = get_args(annotation)[0]
        if isinstance(item, type) and issubclass(item, Part):
            return "parts", (), item, None
        info = next(m for m in get_args(item) if hasattr(m, "metadata"))
        bounds = {type(m).__name__: m for m in info.metadata}
        return "integers", (), None, (bounds["Ge"].ge, bounds["Le"].le)
    if origin in (Union, types.UnionType) or (isinstance(annotation, type) and issubclass(annotation, Part)):
        return "part", (), None, None
    raise TypeError(f"a field of type {annotation!r} has no widget; give it one in mnist_core/parts.py")
