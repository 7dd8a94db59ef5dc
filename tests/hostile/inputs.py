"""What a hostile or careless visitor may send as text: names, notes, ids, configurations, links and strokes.

``OUTSIDE`` in a text stands for a folder beside the data folder, which nobody may look into.
"""

import json

from hypothesis import strategies as st

from mnist_core.explore.lesson import PARAMETERS
from tests.helpers import configs

OUTSIDE = "OUTSIDE"

SCRIPT = "<script>alert(1)</script>"
EMOJI = "😀" * 250_000
"""A megabyte."""

SPECIAL = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ud800",
    "\udcff name",
    "\r\n\t\x1b[31m",
    "\u202egnp.exe",
    "\ufeff",
    SCRIPT,
    '<img src=x onerror="alert(1)">',
    "</code></pre><iframe src='javascript:alert(1)'>",
    "[here](javascript:alert(1)) ![x](http://evil/x.png) $x^2$ :red[red]",
    "' OR 1=1 --",
    "'; DROP TABLE runs; --",
    "{{7*7}} ${7*7} %s %d %(x)s {0} {x}",
    "=HYPERLINK('http://evil')",
    f"__import__('os').mkdir('{OUTSIDE}/made')",
    "../" * 9 + "etc/passwd",
    f"{OUTSIDE}/secret.txt",
    "../outside/secret.txt",
    "..\\..\\outside\\secret.txt",
    "%2e%2e%2foutside%2fsecret.txt",
    "file:///etc/passwd",
    "CON",
    "9" * 5000,
    "x" * 100_000,
    "Z̡͉͝" * 300,
    "漢字 ä 🏳️‍🌈",
    EMOJI,
)


def one_of_these(values):
    """``sampled_from`` for values so large that Hypothesis had better not print them all."""
    return st.integers(0, len(values) - 1).map(lambda i: values[i])


texts = one_of_these(SPECIAL) | st.text(max_size=60)
WORST_WORDS = (EMOJI, EMOJI), (SCRIPT, SCRIPT)
"""Pairs of a name and a note."""

short_texts = st.sampled_from([text for text in SPECIAL if len(text) < 500]) | st.text(max_size=20)

numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 2**31, 2**63, -1, 0, 1e308, -0.0, 5e-324]),
)
odd = st.recursive(
    st.none() | st.booleans() | numbers | short_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(short_texts, inner, max_size=3),
    max_leaves=6,
)
"""A value of any kind that JSON knows."""


def _places(data, path=()):
    """Where a nested value may be changed."""
    yield path
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from _places(value, (*path, key))


@st.composite
def spoiled(draw, whole):
    """A nested value of ``whole`` with one to three parts changed, removed or added."""
    data = json.loads(json.dumps(draw(whole)))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_places(data))))
        if not path:
            if isinstance(data, dict):
                data[draw(short_texts)] = draw(odd)
            continue
        parent = data
        for key in path[:-1]:
            parent = parent[key]
        how = draw(st.sampled_from(["change", "remove", "wrap"]))
        if how == "change":
            parent[path[-1]] = draw(odd)
        elif how == "wrap":
            parent[path[-1]] = [parent[path[-1]]]
        else:
            del parent[path[-1]]
    return data


@st.composite
def broken_text(draw, text):
    """A text cut somewhere, or with something put in."""
    text = draw(text)
    at = draw(st.integers(0, len(text)))
    return text[:at] + draw(st.sampled_from(["", text[at:], "}" + text[at:], "\x00" + text[at:], "[" * 5000]))


settings = configs().map(lambda config: config.model_dump(mode="json"))
configurations = st.one_of(
    spoiled(settings),
    spoiled(settings).map(json.dumps),
    broken_text(settings.map(json.dumps)),
    odd.map(json.dumps),
    texts,
    settings,
)
"""Mappings and texts that may be a run's configuration, and mostly are none."""

changes = st.tuples(
    st.sampled_from(["optimizer.learning_rate", "architecture.name", "architecture", "seed", "data.subset.x", "."])
    | short_texts,
    odd.map(json.dumps) | texts,
)
"""What a command line may say after ``--set``: key and value."""

_design = st.fixed_dictionaries(
    {
        "base": st.just({}),
        "space": st.lists(
            st.sampled_from(
                [
                    {"key": "optimizer.learning_rate", "low": 1e-5, "high": 1.0, "log": True},
                    {"key": "seed", "choices": [1, 2, 3]},
                    {"key": "architecture.layers", "low": 1, "high": 3},
                ]
            ),
            min_size=1,
            max_size=3,
        ),
        "search": st.fixed_dictionaries({}, optional={"sampler": st.sampled_from(["grid", "tpe", "cmaes"])}),
    }
)
designs = st.one_of(spoiled(_design).map(json.dumps), broken_text(_design.map(json.dumps)), texts)

dimensions = st.one_of(
    texts,
    st.tuples(st.sampled_from(["optimizer.learning_rate", "seed", "architecture.layers"]), short_texts).map("=".join),
    st.tuples(numbers, numbers, numbers).map(lambda ends: "training.epochs=log:{}..{}:{}".format(*ends)),
)

_controls = st.lists(st.sampled_from(["all", "data", "sweep.stop", "optimizer.name", ""]) | short_texts, max_size=3)
_by_name = {
    "config": configurations.filter(lambda data: isinstance(data, str)),
    "design": designs,
    **dict.fromkeys(("lock", "hide", "open"), _controls.map(",".join)),
}
links = st.fixed_dictionaries({}, optional={name: _by_name.get(name, texts) for name in PARAMETERS})
"""Parameters of an address."""

strokes = spoiled(
    st.fixed_dictionaries(
        {
            "objects": st.lists(
                st.fixed_dictionaries(
                    {
                        "path": st.just([["M", 10, 10], ["Q", 20, 20, 30, 10], ["L", 40, 40]]),
                        "left": st.integers(-500, 500),
                        "top": st.integers(-500, 500),
                        "width": st.integers(0, 500),
                        "height": st.integers(0, 500),
                        "strokeWidth": st.integers(1, 40),
                        "scaleX": st.floats(-3, 3),
                    }
                ),
                min_size=1,
                max_size=3,
            )
        }
    )
)
"""What the canvas may be made to send."""
