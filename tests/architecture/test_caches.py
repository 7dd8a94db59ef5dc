"""Every cache has a bound: the web server and the workers live for weeks."""

import ast

import pytest

from tests.architecture.test_imports import FILES, shown, tree

BOUNDS = {"cache_data": "max_entries", "cache_resource": "max_entries", "lru_cache": "maxsize"}
"""What bounds each kind of cache. ``lru_cache`` alone, without a call, keeps 128."""


def unbounded(module):
    """The caches of a module that keep everything, in the words of its source."""
    called = {id(node.func): node for node in ast.walk(module) if isinstance(node, ast.Call)}
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and node.module == "functools":
            yield from ("functools.cache" for alias in node.names if alias.name == "cache")
        name = getattr(node, "attr", getattr(node, "id", ""))
        if name == "cache" and ast.unparse(node) == "functools.cache":
            yield "functools.cache"
        elif name in BOUNDS and not _bounded(called.get(id(node)), name):
            yield ast.unparse(called.get(id(node), node))


def _bounded(call, name):
    if call is None:
        return name == "lru_cache"
    given = [keyword.value for keyword in call.keywords if keyword.arg == BOUNDS[name]]
    given += call.args[:1] if name == "lru_cache" else []
    return bool(given) and ast.unparse(given[0]) != "None"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_cache_is_bounded(path):
    assert list(unbounded(tree(path))) == []


@pytest.mark.parametrize(
    "source",
    [
        "@st.cache_data\ndef f(x): ...",
        "@st.cache_resource(show_spinner=False)\ndef f(x): ...",
        "kept = st.cache_data(max_entries=None)(f)",
        "@cache_data(ttl=5)\ndef f(x): ...",
        "@lru_cache(None)\ndef f(x): ...",
        "@functools.lru_cache(maxsize=None)\ndef f(x): ...",
        "@functools.cache\ndef f(x): ...",
        "from functools import cache",
    ],
)
def test_a_cache_without_a_bound_is_found(source):
    assert len(list(unbounded(ast.parse(source)))) == 1
