"""What several tests share: waiting, judging a message, making configurations, finding processes."""

import re
import time
from pathlib import Path

import psutil
from hypothesis import reject
from hypothesis import strategies as st

from mnist_core.config import SECTIONS, RunConfig, choices
from mnist_core.errors import ConfigError

ROOT = Path(__file__).parents[1]

JARGON = re.compile(r"Traceback|pydantic|sqlalchemy|\[SQL|<class|object at 0x|\btuple\b|Errno|\n", re.IGNORECASE)


def eventually(predicate, seconds=30.0, every=0.02):
    """The first true value of ``predicate``; fails when none has come after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not (value := predicate()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {predicate}"
        time.sleep(every)
    return value


def assert_friendly(error, *words):
    """``error`` is fit for a reader: plain sentences, no inner workings, and each of ``words`` in it."""
    message = str(error.value if hasattr(error, "value") else error)
    assert message.endswith((".", ".)")), message
    assert not JARGON.search(message), message
    assert len(message) < 600, message
    for word in words:
        assert str(word) in message, f"{word!r} is not in {message!r}"


def processes_of(home):
    """Living processes that were started for the data folder ``home``: engines and their workers."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("MNIST_LAB_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue  # it ended while we looked, or is not ours to look into
    return found


# -- configurations ------------------------------------------------------------------------------------------------


def values(spec):
    """Values that the field's specification allows."""
    if spec.kind == "integer":
        return st.integers(spec.low, spec.high)
    if spec.kind == "number":
        return st.floats(spec.low, spec.high)
    if spec.kind == "switch":
        return st.booleans()
    if spec.kind == "choice":
        return st.sampled_from(spec.choices)
    item = settings_of(spec.item) if spec.kind == "parts" else st.integers(spec.low, spec.high)
    return st.lists(item, min_size=spec.shortest, max_size=spec.longest)


def settings_of(part):
    """Mappings that make a ``part``, its name included; fields may be left out."""
    fields = {spec.name: values(spec) for spec in part.specs()}
    name = part.model_fields.get("name")
    return st.fixed_dictionaries({"name": st.just(name.default)} if name else {}, optional=fields)


@st.composite
def configs(draw):
    """Valid configurations of every kind."""
    data = {section: draw(st.one_of([settings_of(part) for part in choices(section)])) for section in SECTIONS}
    data["seed"] = draw(st.integers(0, 2**31 - 1))
    try:
        return RunConfig.parse(data)
    except ConfigError:  # each field is fine, but the whole cannot be built
        return reject()
