"""The link is the lab: a configuration in a link, and a teacher's task with controls that are locked or hidden."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from mnist_core.config import SECTIONS, RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import compact
from mnist_core.explore.space import declared

TASK_LENGTH = 2000
EVERYTHING = "all"
PARAMETERS = ("config", "task", "lock", "hide", "open")


@dataclass(frozen=True)
class Lesson:
    """What a link says about the form on the Train page.

    Attributes:
        config: to begin with, or ``None`` if the link has none.
        task: what to do, in the teacher's words: to be escaped where it is shown.
        lock, hide, open: settings or sections; ``all`` means every one, and what is open is neither.
    """

    config: RunConfig | None = None
    task: str = ""
    lock: frozenset[str] = frozenset()
    hide: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()

    @classmethod
    def of_link(cls, parameters: Mapping[str, str]) -> Lesson:
        """``ConfigError`` naming what in the link cannot be used."""
        config = None
        if text := parameters.get("config", ""):
            try:
                config = RunConfig.parse(text)
            except ConfigError as error:
                raise ConfigError(f"The settings in the link cannot be used. {error}") from None
            if not config.architecture.trainable:
                raise ConfigError("The settings in the link are those of an uploaded network, which cannot be trained.")
        lists = {name: parameters.get(name, "").split(",") for name in ("lock", "hide", "open")}
        names = {name: frozenset(filter(None, keys)) for name, keys in lists.items()}
        for name, keys in names.items():
            for key in keys - {EVERYTHING, *SECTIONS}:
                try:
                    declared(key)
                except ConfigError as error:
                    raise ConfigError(f"The link's {name!r} cannot be used. {error}") from None
        task = parameters.get("task", "").replace("\x00", "")
        if len(task) > TASK_LENGTH:
            raise ConfigError(f"The task in the link has {len(task):,} letters, but may have {TASK_LENGTH:,} at most.")
        return cls(config, task, **names)

    @property
    def restricts(self) -> bool:
        """Whether any control is locked or hidden."""
        return bool(self.lock or self.hide)

    def link(self) -> str:
        """The end of an address that ``of_link`` understands, from the question mark on."""
        config = "" if self.config is None else json.dumps(compact(self.config), separators=(",", ":"))
        found = {"config": config, "task": self.task}
        found |= {name: ",".join(sorted(getattr(self, name))) for name in ("lock", "hide", "open")}
        return "?" + urlencode({name: text for name, text in found.items() if text})

    def hides(self, key: str) -> bool:
        """Whether a setting is not shown; for a section, whether nothing in it is."""
        return self._among(self.hide, key)

    def locks(self, key: str) -> bool:
        """Whether a setting is shown, but not to be changed."""
        return self._among(self.lock, key)

    def _among(self, names: frozenset[str], key: str) -> bool:
        section = key.partition(".")[0]
        if key in self.open or section in self.open:
            return False
        if key == section and any(name.startswith(f"{section}.") for name in self.open):
            return False  # something in this section is open
        return bool({EVERYTHING, section, key} & names)
