"""Forms made from the configuration's own declarations: range, default and help are never written twice."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import streamlit as st

from mnist_core.config import SECTIONS, TITLES, RunConfig, choices
from mnist_core.errors import ConfigError
from mnist_core.explore.lesson import Lesson
from mnist_core.parts import FieldSpec, Part

OPEN_SECTIONS = ("architecture", "optimizer", "training")
"""What most readers want to change; the rest waits in closed boxes."""

Waiting = tuple[str, FieldSpec, Any, str]
"""A seldom used field that is drawn later: its section, specification, first value and key."""


_lesson: ContextVar[Lesson] = ContextVar("lesson", default=Lesson())  # noqa: B039 - a frozen value
"""What the form that is being drawn may show and let be changed."""


def config_form(start: RunConfig, version: str, lesson: Lesson | None = None) -> RunConfig | None:
    """Draws a widget for every setting, beginning with ``start``, and gives the configuration they make.

    Shows what is wrong and gives ``None`` if the values do not fit together.

    Args:
        version: part of every widget's key; another version begins anew from ``start``.
        lesson: which settings are locked or hidden; they keep the values of ``start``.
    """
    lesson = lesson or Lesson()
    _lesson.set(lesson)
    values: dict[str, Any] = {}
    rare: list[Waiting] = []
    sections = ("architecture",)
    for section in SECTIONS:
        if section not in sections:
            continue
        if lesson.hides(section):
            part, values[section] = type(getattr(start, section)), getattr(start, section).model_dump(mode="json")
        else:
            with st.expander(TITLES.get(section) or choices(section)[0].label, expanded=section in OPEN_SECTIONS):
                part, values[section] = _section(section, getattr(start, section), f"{version}:{section}", rare)
        if section == "architecture":
            sections = part.sections
    values["seed"] = start.seed
    if not lesson.hides("seed"):
        with st.expander("Chance", expanded=False):
            spec = next(s for s in RunConfig.specs() if s.name == "seed")
            values["seed"] = _widget(spec, start.seed, f"{version}:seed")
    hidden = [field for field in rare if lesson.hides(f"{field[0]}.{field[1].name}")]
    for section, spec, value, _ in hidden:
        values[section][spec.name] = value
    if rare := [field for field in rare if field not in hidden]:
        with st.expander("More settings", expanded=False):
            st.caption("What published systems have and few others need.")
            columns = st.columns(2)
            for i, (section, spec, value, key) in enumerate(rare):
                with columns[i % 2]:
                    values[section][spec.name] = _widget(spec, value, key)
    try:
        return RunConfig.parse(values)
    except ConfigError as error:
        st.error(str(error), icon=":material/error:")
        return None


def _section(section: str, start: Part, key: str, rare: list[Waiting]) -> tuple[type[Part], dict[str, Any]]:
    """One part, and what was chosen in it; where there are several kinds of it, a choice of the kind first."""
    classes = {c.model_fields["name"].default: c for c in choices(section) if "name" in c.model_fields}
    if not classes:
        st.caption(type(start).sentence)
        return type(start), _fields(section, type(start), start, key, rare)
    # A run of a kind that is no longer offered begins with the first of those that are.
    names = list(classes)
    name = st.selectbox(
        section.capitalize(),
        names,
        index=names.index(start.name) if start.name in names else 0,
        format_func=lambda value: classes[value].label,
        key=f"{key}.name",
        label_visibility="collapsed",
        disabled=_lesson.get().fixes(f"{section}.name"),
    )
    chosen = classes[name]
    st.caption(chosen.sentence)
    return chosen, {"name": name} | _fields(section, chosen, start, f"{key}.{name}", rare)


def _fields(section: str, part: type[Part], start: Part, key: str, rare: list[Waiting]) -> dict[str, Any]:
    specs = part.specs()
    first = {spec.name: _begin(section, spec, start, part) for spec in specs}
    rare += [(section, spec, first[spec.name], f"{key}.{spec.name}") for spec in specs if spec.rare]
    specs = [spec for spec in specs if not spec.rare]
    values: dict[str, Any] = {}
    simple = [spec for spec in specs if spec.kind not in ("integers", "parts")]
    for spec in specs:
        if spec not in simple:
            values[spec.name] = _widget(spec, first[spec.name], f"{key}.{spec.name}")
    columns = st.columns(2) if len(simple) > 1 else [st.container()]
    for i, spec in enumerate(simple):
        with columns[i % len(columns)]:
            values[spec.name] = _widget(spec, first[spec.name], f"{key}.{spec.name}")
    return values


def _begin(section: str, spec: FieldSpec, start: Part, part: type[Part]) -> Any:
    """To begin with: the lesson's value if it stays, that of ``start`` if it is of the same kind, or the default."""
    lesson = _lesson.get()
    if lesson.fixes(f"{section}.{spec.name}"):
        return getattr(getattr(lesson.config, section, start), spec.name, spec.default)
    return getattr(start, spec.name) if isinstance(start, part) else spec.default


def _widget(spec: FieldSpec, value: Any, key: str) -> Any:
    path = key.rpartition(":")[2].split(".")
    setting = path[0] if len(path) == 1 else f"{path[0]}.{path[-1]}"
    if _lesson.get().hides(setting):
        return value
    if _lesson.get().locks(setting):
        words = "-".join(map(str, value)) if spec.kind == "integers" else "as given" if spec.kind == "parts" else value
        st.markdown(f":material/lock: {spec.title}: **{words}**")
        return value
    return _WIDGETS[spec.kind](spec, value, key)


def _integer(spec: FieldSpec, value: int, key: str) -> int:
    return st.number_input(
        spec.title, int(spec.low), int(spec.high), int(value), step=1, help=_help(spec), key=key, format="%d"
    )


def _number(spec: FieldSpec, value: float, key: str) -> float:
    # Steps of a hundredth of the range suit linear values; on a logarithmic scale a step is a tenth of the value.
    step = value / 10 if spec.log and value else (spec.high - spec.low) / 100
    return st.number_input(
        spec.title, float(spec.low), float(spec.high), float(value), step=step, format="%g", help=_help(spec), key=key
    )


def _switch(spec: FieldSpec, value: bool, key: str) -> bool:
    return st.toggle(spec.title, value, help=_help(spec), key=key)


def _choice(spec: FieldSpec, value: Any, key: str) -> Any:
    return st.selectbox(
        spec.title, spec.choices, index=spec.choices.index(value), help=_help(spec), key=key, format_func=_words
    )


def _integers(spec: FieldSpec, value: tuple[int, ...], key: str) -> list[int]:
    count = _how_many(spec, len(value), key)
    columns = st.columns(min(3, max(1, count)))
    return [
        columns[i % len(columns)].number_input(
            f"Layer {i + 1}",
            int(spec.low),
            int(spec.high),
            int(value[i]) if i < len(value) else 64,
            step=1,
            help=f"{spec.help} From {spec.low:,} to {spec.high:,}.",
            key=f"{key}.{i}",
        )
        for i in range(count)
    ]


def _parts(spec: FieldSpec, value: tuple[Part, ...], key: str) -> list[dict[str, Any]]:
    items = []
    for i in range(_how_many(spec, len(value), key)):
        begin = value[i] if i < len(value) else spec.item()
        with st.container(border=True):
            st.markdown(f"**{spec.item.label} {i + 1}**")
            columns = st.columns(3)
            items.append({})
            for j, field in enumerate(spec.item.specs()):
                with columns[j % 3]:
                    items[-1][field.name] = _widget(field, getattr(begin, field.name), f"{key}.{i}.{field.name}")
    return items


def _how_many(spec: FieldSpec, count: int, key: str) -> int:
    options = list(range(spec.shortest, spec.longest + 1))
    chosen = st.segmented_control(spec.counted, options, default=count, help=spec.help, key=f"{key}.count")
    # A second click on the chosen number takes the choice back; the number stays as it was.
    return count if chosen is None else chosen


def _help(spec: FieldSpec) -> str:
    if spec.kind in ("choice", "switch"):
        return spec.help
    return f"{spec.help}  \n{spec.allowed.capitalize()}; default {spec.default:,}."


def _words(value: Any) -> str:
    return str(value).replace("_", " ") if isinstance(value, str) else str(value)


_WIDGETS = {
    "integer": _integer,
    "number": _number,
    "switch": _switch,
    "choice": _choice,
    "integers": _integers,
    "parts": _parts,
}


def part_form(part: type[Part], start: Part, key: str, lesson: Lesson | None = None) -> dict[str, Any]:
    """Widgets for the fields of one part alone, such as those of a search; ``lesson`` knows them as ``key.field``."""
    _lesson.set(lesson or Lesson())
    return _fields(key, part, start, key, [])
