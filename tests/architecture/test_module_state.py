"""Nothing of a visitor is in a module-level variable: what one does would be another's, and go with the process."""

import ast

import pytest

from tests.architecture.test_imports import WEB, shown, tree

CHANGES = {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
"""Methods that change what they are called of."""


def changed(module):
    """The names of a module's own that it changes after it was imported, in the order of its source."""
    own = {name.id for node in module.body for name in ast.walk(node) if _binds(node, name)}
    for function in (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.Lambda)):
        for node in ast.walk(function):
            if isinstance(node, ast.Global):
                yield from node.names
            elif isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
                yield from _named(node.value, own)
            elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in CHANGES:
                yield from _named(node.func.value, own)


def _binds(node, name):
    assigned = isinstance(node, ast.Assign | ast.AnnAssign)
    return assigned and isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)


def _named(node, own):
    if isinstance(node, ast.Name) and node.id in own:
        yield node.id


@pytest.mark.parametrize("path", WEB, ids=shown)
def test_the_web_process_keeps_nothing_in_its_modules(path):
    assert list(changed(tree(path))) == []


@pytest.mark.parametrize(
    "source",
    [
        "seen = {}\ndef f(who): seen[who] = 1",
        "seen: dict = {}\ndef f(who): del seen[who]",
        "seen = []\ndef f(who): seen.append(who)",
        "seen = {}\ndef f(who): return seen.setdefault(who, 1)",
        "last = None\ndef f(who):\n    global last\n    last = who",
        "here = Place()\ndef f(who): here.name = who",
        "seen = set()\nf = lambda who: seen.add(who)",
    ],
)
def test_a_variable_of_a_module_that_changes_is_found(source):
    assert len(list(changed(ast.parse(source)))) == 1


def test_what_is_made_anew_each_time_is_not():
    assert list(changed(ast.parse("PENS = {}\ndef f(who):\n    seen = {}\n    seen[who] = PENS[who]"))) == []
