"""What is installed: every import named, every direct dependency bounded, and the whole tree pinned."""

import ast
import importlib.metadata
import re
import sys

import pytest

from tools import setup

DIRECT = re.compile(r"([A-Za-z0-9._-]+)(?:\[\w+\])?>=[\w.]+,<[\w.]+(?: ; .+)?")
PIN = re.compile(r"([A-Za-z0-9._-]+)==[\w.+]+( ; .+)?")


def lines(name):
    """The lines of a requirement file that are not comments."""
    return [line for line in text(name).splitlines() if line and not line.startswith("#")]


def text(name):
    return (setup.ROOT / name).read_text()


@pytest.mark.parametrize("name", setup.TEST)
def test_every_direct_dependency_has_a_lower_and_an_upper_bound(name):
    assert lines(name)
    assert [line for line in lines(name) if not DIRECT.fullmatch(line)] == []


def test_constraints_pin_every_direct_dependency_and_nothing_loosely():
    pins = [PIN.fullmatch(line) for line in lines(setup.CONSTRAINTS)]
    assert all(pins)
    direct = {DIRECT.fullmatch(line)[1] for name in setup.TEST for line in lines(name)}
    assert direct <= {pin[1] for pin in pins}


OURS = {"mnist_core", "pages", "tests", "benchmarks", "tools", "deploy", "streamlit_app"}
OPTIONAL = {"torch", "tomli", "httpx"}
"""What one benchmark compares with where it happens to be installed, what only Python 3.10 needs, and what comes with
``streamlit[auth]``, without which nobody can sign in."""


@pytest.mark.parametrize(
    "files, where",
    [(setup.TEST[:1], ("mnist_core", "pages")), (setup.TEST, ("mnist_core", "pages", "tests", "benchmarks", "tools"))],
)
def test_whatever_is_imported_is_a_direct_dependency(files, where):
    direct = {DIRECT.fullmatch(line)[1].lower() for name in files for line in lines(name)}
    sources = [path.read_text() for folder in where for path in (setup.ROOT / folder).rglob("*.py")]
    modules = {name.split(".")[0] for source in sources for name in imported(ast.parse(source))}
    modules -= OURS | OPTIONAL | set(sys.stdlib_module_names)
    assert {"numpy", "pyarrow", "PIL"} <= modules
    distributions = importlib.metadata.packages_distributions()
    assert [name for name in sorted(modules) if not direct & {d.lower() for d in distributions.get(name, [])}] == []


def imported(tree):
    """The modules that a source imports, anywhere in it; relative imports aside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def test_what_a_user_installs_holds_no_test_tool():
    user, tests = ({DIRECT.fullmatch(line)[1] for line in lines(name)} for name in setup.TEST)
    assert not user & tests
    assert {"pytest", "playwright", "ruff"} <= tests


def test_no_file_of_the_set_up_names_a_host_or_a_machine_path():
    for name in (*setup.TEST, setup.CONSTRAINTS):
        assert not re.search(r"https?:|file:|--index|--find|@ |/home/|/root/|/opt/", text(name))
