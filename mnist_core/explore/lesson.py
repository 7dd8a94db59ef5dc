"""The link is the lab: a set-up in a link, and a teacher's task with controls that are locked or hidden.

Train, Explore and Compare read their links by it. Whoever edits the address can undo it: a lesson, no lock on a door.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from mnist_core.config import SECTIONS, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design, Search, compact
from mnist_core.explore.questions import question
from mnist_core.explore.space import declared

TASK_LENGTH = 2000
EVERYTHING = "all"
PARAMETERS = ("config", "design", "question", "task", "lock", "hide", "open")

DESIGN = ("design.base", "design.varies", "search", *(f"search.{spec.name}" for spec in Search.specs()))
SWEEP = ("sweep.stop", "sweep.continue", "sweep.score")
PARTS, RUNS = "parts", "runs"
CONTROLS = {*DESIGN, *SWEEP, PARTS, RUNS, "design", "sweep"}
"""What else than settings can be locked: on Explore the form of a design, the buttons of a sweep and the other parts of
the page; on Compare the choice of runs. A setting that is locked on Explore keeps its range, or its one value."""


@dataclass(frozen=True)
class Lesson:
    """What a link says about the page that it opens.

    Attributes:
        config: what the form on Train begins with, or ``None`` if the link has none.
        task: what to do, in the teacher's words: to be escaped where it is shown.
        lock, hide, open: settings, sections or ``CONTROLS``; ``all`` means every one, and what is open is neither.
        design: what the form on Explore begins with, or ``None``.
        question: the name of the ready-made question that stands first, or an empty text.
    """

    config: RunConfig | None = None
    task: str = ""
    lock: frozenset[str] = frozenset()
    hide: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    design: Design | None = None
    question: str = ""

    @classmethod
    def of_link(cls, parameters: Mapping[str, str]) -> Lesson:
        """``ConfigError`` naming what in the link cannot be used."""
        config = _read("settings", RunConfig.parse, parameters.get("config", ""))
        if config and not config.architecture.trainable:
            raise ConfigError("The settings in the link are those of an uploaded network, which cannot be trained.")
        design = _read("design", _used, parameters.get("design", ""))
        lists = {name: parameters.get(name, "").split(",") for name in ("lock", "hide", "open")}
        names = {name: frozenset(filter(None, keys)) for name, keys in lists.items()}
        for name, keys in names.items():
            for key in keys - {EVERYTHING, *SECTIONS, *CONTROLS}:
                try:
                    declared(key)
                except ConfigError as error:
                    raise ConfigError(f"The link's {name!r} cannot be used. {error}") from None
        # Halves of characters come from nowhere but tampering, and could not stand in a link again.
        task = parameters.get("task", "").replace("\x00", "").encode("utf-8", "replace").decode()
        if len(task) > TASK_LENGTH:
            raise ConfigError(f"The task in the link has {len(task):,} letters, but may have {TASK_LENGTH:,} at most.")
        asked = parameters.get("question", "")
        return cls(config, task, **names, design=design, question=asked and question(asked).name)

    @property
    def restricts(self) -> bool:
        """Whether any control is locked or hidden."""
        return bool(self.lock or self.hide)

    @property
    def alone(self) -> bool:
        """Whether what the link shows of Explore is all that there is: other parts would be ways around its locks."""
        return self.restricts and PARTS not in self.open

    def parameters(self) -> dict[str, str]:
        """What ``of_link`` takes; without what is empty."""
        config = "" if self.config is None else json.dumps(compact(self.config), separators=(",", ":"))
        design = "" if self.design is None else self.design.to_json()
        found = {"config": config, "design": design, "question": self.question, "task": self.task}
        found |= {name: ",".join(sorted(getattr(self, name))) for name in ("lock", "hide", "open")}
        return {name: text for name, text in found.items() if text}

    def link(self, **others: str) -> str:
        """The end of an address, from the question mark on, with other parameters such as ``sweep`` before its own."""
        return "?" + urlencode(others | self.parameters())

    def hides(self, key: str) -> bool:
        """Whether a setting is not shown; for a section, whether nothing in it is."""
        return self._among(self.hide, key)

    def locks(self, key: str) -> bool:
        """Whether a setting is shown, but not to be changed."""
        return self._among(self.lock, key)

    def fixes(self, key: str) -> bool:
        """Whether a setting stays as the link has it."""
        return self.hides(key) or self.locks(key)

    def kept_by(self, config: RunConfig) -> bool:
        """Whether a configuration has the link's values in all locked or hidden settings that both have."""
        its, mine = config.flat(), self.config.flat() if self.config else {}
        return all(its[key] == mine[key] for key in its.keys() & mine.keys() if self.fixes(key))

    @property
    def base_stays(self) -> bool:
        """Whether trials start from the link's settings: if that is locked, or any that another start would replace."""
        if self.design is None or self.open & {"design", "design.base"}:
            return False
        return self.fixes("design.base") or any(map(self.fixes, self.design.base.flat()))

    def allows(self, design: Design) -> bool:
        """Whether a design has what the link's own has wherever that is locked or hidden."""
        return not self.restricts if self.design is None else self._held(design) == self._held(self.design)

    def _held(self, design: Design) -> dict[str, Any]:
        """What is locked or hidden of a design, by the names of the controls."""
        ranges = {dimension.key: dimension.text() for dimension in design.space}
        found = ranges | {f"search.{name}": value for name, value in design.search.model_dump().items()}
        found |= {"design.varies": set(ranges)}
        held = {key: value for key, value in found.items() if self.fixes(key)}
        return held | ({"design.base": design.base} if self.base_stays else {})

    def _among(self, names: frozenset[str], key: str) -> bool:
        section = key.partition(".")[0]
        if key in self.open or section in self.open:
            return False
        if key == section and any(name.startswith(f"{section}.") for name in self.open):
            return False  # something in this section is open
        return bool({EVERYTHING, section, key} & names)


def _used(text: str) -> Design:
    """A form shows only settings that have an effect, so others would be lost without a word."""
    design = Design.parse(text)
    design.check_used()
    return design


def _read(what: str, parse, text: str):
    """``None`` for an empty text."""
    try:
        return parse(text) if text else None
    except ConfigError as error:
        raise ConfigError(f"The {what} in the link cannot be used. {error}") from None
