"""``settings``: the manual of a run's settings, generated from where they are declared."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator
from typing import Any

from mnist_core.cli.command import Command
from mnist_core.config import SECTIONS, RunConfig, choices
from mnist_core.parts import FieldSpec, Part

WIDTH, COLUMN = 110, 40


def listing(explained: bool) -> str:
    """Every setting as ``key=default`` with the allowed values; ``explained`` adds what each one means."""
    return "\n".join(_lines(explained))


def _lines(explained: bool) -> Iterator[str]:
    for section in SECTIONS:
        parts = choices(section)
        if "name" not in parts[0].model_fields:
            yield from _part_lines(section, parts[0], parts[0].label, explained)
            continue
        names = [part.model_fields["name"].default for part in parts]
        default = getattr(RunConfig(), section).name
        yield f"\n{section.capitalize()}"
        yield _row(f"{section}.name={default}", f"one of {', '.join(names)}")
        for name, part in zip(names, parts, strict=True):
            yield from _part_lines(section, part, f"{part.label}: with {section}.name={name}", explained)
    yield "\nChance"
    yield from _field_lines("", [spec for spec in RunConfig.specs() if spec.kind != "part"], explained)


def _part_lines(section: str, part: type[Part], title: str, explained: bool) -> Iterator[str]:
    specs = part.specs()
    if specs or explained:
        yield f"\n{title}"
    if explained and part.sentence:
        yield _wrapped(part.sentence, "  ")
    yield from _field_lines(f"{section}.", specs, explained)


def _field_lines(prefix: str, specs: list[FieldSpec], explained: bool) -> Iterator[str]:
    for spec in specs:
        yield _row(f"{prefix}{spec.name}={typed(spec.default)}", spec.allowed)
        if explained:
            yield _wrapped(f"{spec.title}: {spec.help}", "      ")
        if spec.item:
            yield from _field_lines(f"  {spec.name}: each ", spec.item.specs(), explained)


def _row(setting: str, allowed: str) -> str:
    return f"  {setting:<{COLUMN}}  {allowed}"


def typed(value: Any) -> str:
    """A value as it is typed after ``--set key=``."""
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):
        value = [item.model_dump(exclude_unset=True) if isinstance(item, Part) else item for item in value]
    return json.dumps(value, separators=(",", ":"))


def _wrapped(text: str, indent: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _arguments(parser: argparse.ArgumentParser) -> None:
    """It takes none."""


def _run(options: argparse.Namespace) -> int:
    print("Settings of a run, as KEY=DEFAULT and what is allowed. Change one with `train --set KEY=VALUE`.")
    print(listing(explained=True))
    return 0


COMMAND = Command(
    "settings",
    "List every setting of a run with its default, its allowed values and what it does.",
    _arguments,
    _run,
    ("",),
)
