"""Imports run one way: what the web server imports never reaches TensorFlow, and the core never reaches Streamlit."""

import ast
import json
import re
import subprocess
import sys
from dataclasses import fields
from functools import cache

import pytest

from mnist_core.settings import Settings
from tests.helpers import ROOT

TENSORFLOW_SIDE = {
    f"mnist_core.{name}"
    for name in (
        "data.augment", "data.pens", "engine.explain", "engine.files", "engine.fine_tuning", "engine.jobs",
        "engine.reading", "engine.recorder", "engine.robustness", "explain.activations", "explain.slopes",
        "models.blobs", "models.build", "models.describe", "models.losses", "models.restore", "models.subclassed",
        "training.arguments", "training.checkpoint", "training.classical", "training.compiled", "training.execution",
        "training.fingerprint", "training.fit", "training.forward", "training.fresh", "training.health",
        "training.metrics", "training.programs", "training.tape",
    )
}  # fmt: skip
"""Modules that only workers import."""

BLOCKED = ("tensorflow", "keras", "sklearn")

FILES = sorted([*ROOT.glob("mnist_core/**/*.py"), *ROOT.glob("pages/*.py"), *ROOT.glob("streamlit_app.py")])
PAGES = [path for path in FILES if path.parent in (ROOT, ROOT / "pages")]
WEB = [path for path in FILES if path in PAGES or ROOT / "mnist_core" / "ui" in path.parents]
CORE = [path for path in FILES if path not in WEB]


def shown(path):
    return str(path.relative_to(ROOT))


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES if path not in PAGES}


@cache
def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imports(path, everywhere):
    """Names that a file imports: in functions too (``everywhere``), or only those that importing it imports."""
    waiting = [tree(path)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{shown(path)} has a relative import, which this test does not follow"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif everywhere or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))


def reached(path):
    """Modules of ours that are imported when ``path`` runs, directly or through others, each with the way to it."""
    ways = {name: (shown(path), name) for name in imports(path, everywhere=True)}
    waiting = list(ways)
    while waiting:
        name = waiting.pop()
        # ``import a.b.c`` runs a and a.b as well.
        for module in {name.rsplit(".", cut)[0] for cut in range(name.count(".") + 1)} & set(MODULES):
            for further in imports(MODULES[module], everywhere=False):
                if further not in ways:
                    ways[further] = (*ways[name], further)
                    waiting.append(further)
    return ways


def under(name, packages):
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("path", WEB, ids=shown)
def test_the_web_server_never_reaches_tensorflow(path):
    wrong = {name: way for name, way in reached(path).items() if under(name, {*BLOCKED, *TENSORFLOW_SIDE})}
    assert wrong == {}


@pytest.mark.parametrize("name", ["design", "losses", "size", "space"])
def test_what_a_search_is_knows_no_store(name):
    """The store reads and checks what it keeps of a search, so these come before it."""
    ways = reached(MODULES[f"mnist_core.explore.{name}"])
    assert {reach: way for reach, way in ways.items() if under(reach, {"mnist_core.store"})} == {}


@pytest.mark.parametrize("name", sorted(TENSORFLOW_SIDE))
def test_the_workers_modules_do_reach_it(name):
    """So the walk finds what it looks for."""
    assert any(under(reach, BLOCKED) for reach in reached(MODULES[name]))


TRY_ALL = """
import importlib, json, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
failed = {}
for name in MODULES:
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed[name] = str(error)
print(json.dumps([failed, sorted(set(sys.modules) & set(BLOCKED))]))
"""


def test_all_but_the_workers_modules_can_be_imported_without_tensorflow():
    code = f"BLOCKED, MODULES = {BLOCKED!r}, {sorted(MODULES)!r}\n{TRY_ALL}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    failed, loaded = json.loads(done.stdout.splitlines()[-1])
    assert {name: error for name, error in failed.items() if name not in TENSORFLOW_SIDE} == {}
    # Each of the others does need it, so the block works and the list is no longer than it must be.
    assert set(failed) == TENSORFLOW_SIDE
    assert loaded == []


@pytest.mark.parametrize("path", CORE, ids=shown)
def test_the_core_never_imports_streamlit_or_what_stands_on_it(path):
    wrong = [name for name in imports(path, everywhere=True) if under(name, {"streamlit", "mnist_core.ui", "pages"})]
    assert wrong == []


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_pages_are_streamlits_own_and_never_navigation(path):
    """``st.navigation`` beside a ``pages`` folder breaks deep links."""
    names = {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    assert "navigation" not in names
    assert "streamlit.navigation" not in set(imports(path, everywhere=True))


CHANGES = {"ask", "resume", "rename", "annotate", "go_on", "add_upload", "keep"}
"""Methods of the stores and of the engine that change what belongs to somebody, by names that nothing else has."""

ALSO = {"create", "delete", "stop", "add", "choose"}
"""The same by common names: of something that is called a store."""


@pytest.mark.parametrize("path", WEB, ids=shown)
def test_pages_change_what_belongs_to_somebody_only_as_a_visitor(path):
    for node in ast.walk(tree(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        source, name = ast.unparse(node.func.value), node.func.attr
        as_visitor = source.startswith("acting(") or (name == "rename" and source.startswith("VisitorStore("))
        of_a_store = source.endswith(("store", "sweeps")) or "SweepStore(" in source
        assert as_visitor or not (name in CHANGES or (name in ALSO and of_a_store)), ast.unparse(node)


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_no_file_is_too_long_to_be_read_in_one_sitting(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= (150 if path in PAGES else 300)


def test_every_setting_is_documented():
    """Those of ``Settings``, and any other variable of ours that the code names."""
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in FILES]
    read = {name for source in sources for name in re.findall(r"\bMNIST_LAB_[A-Z0-9_]+\b", source)}
    variables = {entry.metadata["variable"] for entry in fields(Settings)}
    assert {name for name in variables | read if f"`{name}`" not in text} == set()
    for entry in fields(Settings):
        assert entry.metadata["help"] in text
