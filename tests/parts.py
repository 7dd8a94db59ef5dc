"""Every setting that a configuration has, and what it says of a wrong one."""

import pytest

from mnist_core.config import SECTIONS, RunConfig, choices
from mnist_core.errors import ConfigError

CHOICES = [(section, part) for section in SECTIONS for part in choices(section)]
NUMBERS = [
    pytest.param(section, part, spec, id=f"{section}.{part.__name__}.{spec.name}")
    for section, part in CHOICES
    for spec in part.specs()
    if spec.kind in ("integer", "number")
]


def named(part):
    return {"name": part.model_fields["name"].default} if "name" in part.model_fields else {}


def refused(data):
    with pytest.raises(ConfigError) as error:
        RunConfig.parse(data)
    return error
