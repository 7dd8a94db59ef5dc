"""The set-up of the two commands: which Python is taken, what is made, what is said when one lacks."""

import ast
import os
import subprocess
import sys
import threading

import pytest

from tests.helpers import eventually
from tools import browser, setup


@pytest.fixture
def program(tmp_path):
    """Writes a shell script that stands in for a program, and gives its path."""

    def write(name, body):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def python(program):
    """Writes a stand-in Python of some version, whose ``-m venv`` does `venv`."""

    def write(name, version, venv="exit 0", needs="exit 0"):
        return program(
            name,
            f'if [ "$1" = -m ]; then {venv}; fi\n'
            f'case "$2" in *ensurepip*) {needs};; esac\n'
            f"echo {version}",
        )

    return write


# --- Which Python ---------------------------------------------------------------------------------


def test_the_first_fitting_python_is_taken(python):
    old, new = python("old", "3.9"), python("new", "3.14")
    good, better = python("good", "3.11"), python("better", "3.13")
    assert setup.find_python([old, new, good, better]) == good


def test_a_python_that_fails_is_passed_over(program, python, tmp_path):
    shim = program("shim", "echo 'pyenv: command not found' >&2; exit 127")
    good = python("good", "3.10")
    assert setup.find_python([str(tmp_path / "absent"), shim, good]) == good


def test_no_fitting_python_is_one_sentence_on_what_was_found_and_how_to_mend_it(python):
    old, new = python("old", "3.9"), python("new", "3.14")
    with pytest.raises(setup.Missing) as told:
        setup.find_python([old, new])
    assert str(told.value) == (
        "MNIST Lab needs Python 3.10, 3.11, 3.12 or 3.13, "
        f"and found Python 3.9 ({old}), Python 3.14 ({new}); "
        "install one of those, or name one: make run PYTHON=/path/to/python3.12"
    )


def test_no_python_at_all_is_said_so():
    with pytest.raises(setup.Missing, match="found no Python that runs; install one"):
        setup.find_python([])


def test_the_running_python_is_asked_before_those_on_path(python, tmp_path, monkeypatch):
    base = python("base", "3.11")
    monkeypatch.setattr(sys, "executable", base)
    monkeypatch.setenv("PATH", str(tmp_path))
    newest, oldest = python("python3.13", "3.13"), python("python3.10", "3.10")
    assert setup.python_candidates() == [base, newest, oldest]


def test_the_environments_own_python_is_never_what_makes_it(monkeypatch):
    monkeypatch.setattr(sys, "executable", str(setup.venv_python()))
    assert str(setup.venv_python()) not in setup.python_candidates()


def test_a_missing_module_counts_as_no_version():
    assert setup.python_version(sys.executable) == "{}.{}".format(*sys.version_info)
    assert setup.python_version(sys.executable, needs="no_such_module") is None


def test_old_pythons_can_read_the_script():
    """Python 3.6 has no walrus, no match and no evaluated ``X | Y``; the grammar at least is checked here."""
    tree = ast.parse((setup.ROOT / "tools/setup.py").read_text(), feature_version=(3, 6))
    assert not any(getattr(node, "annotation", None) for node in ast.walk(tree))


# --- The environment ------------------------------------------------------------------------------


def test_a_python_without_venv_is_one_sentence_and_leaves_nothing_half_made(python, tmp_path):
    folder = tmp_path / ".venv"
    half_made = 'mkdir -p "$3/bin"; echo ensurepip is not available; exit 1'
    bare = python("bare", "3.12", venv=half_made, needs="exit 1")
    with pytest.raises(setup.Missing) as told:
        setup.create_venv(bare, folder)
    assert f"{bare} has no working `venv` module" in str(told.value)
    assert "apt install python3.12-venv" in str(told.value)
    assert "\n" not in str(told.value)
    assert not folder.exists()


def test_another_failure_of_venv_gives_its_own_last_word(python, tmp_path):
    full = python("full", "3.12", venv="echo trying; echo No space left on device; exit 1")
    with pytest.raises(setup.Missing, match=r"could not make the environment .*: No space left on device$"):
        setup.create_venv(full, tmp_path / ".venv")


def test_what_was_left_of_an_environment_is_replaced(python, tmp_path):
    folder = tmp_path / ".venv"
    (folder / "lib").mkdir(parents=True)
    setup.create_venv(python("good", "3.12", venv='mkdir "$3"; touch "$3/made"; exit 0'), folder)
    assert [path.name for path in folder.iterdir()] == ["made"]


def test_a_failing_pip_gives_one_sentence_and_its_last_words(program, monkeypatch):
    pip = program("pip", "seq 1 20; echo ERROR: no network >&2; exit 1")
    monkeypatch.setattr(setup, "venv_python", lambda: pip)
    with pytest.raises(setup.Missing) as told:
        setup.pip_install(["-r", "requirements.txt"])
    sentence, *last_words = str(told.value).splitlines()
    assert sentence.startswith("pip could not install -r requirements.txt: ")
    assert last_words == ["14", "15", "16", "17", "18", "19", "20", "ERROR: no network"]


def test_the_stamp_spares_an_install_until_a_file_or_the_python_changes(tmp_path, monkeypatch):
    for name in (*setup.TEST, setup.CONSTRAINTS):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    assert not setup.is_installed(setup.RUN, "3.11", tmp_path)

    setup.stamp(tmp_path).write_text("".join(setup.stamp_lines(setup.TEST, "3.11")))
    assert setup.is_installed(setup.TEST, "3.11", tmp_path)
    assert setup.is_installed(setup.RUN, "3.11", tmp_path)
    assert not setup.is_installed(setup.RUN, "3.12", tmp_path)

    (tmp_path / "requirements-test.txt").write_text("changed")
    assert setup.is_installed(setup.RUN, "3.11", tmp_path)
    assert not setup.is_installed(setup.TEST, "3.11", tmp_path)

    (tmp_path / setup.CONSTRAINTS).write_text("changed")
    assert not setup.is_installed(setup.RUN, "3.11", tmp_path)


def test_the_stamp_of_a_user_does_not_serve_the_tests(tmp_path):
    setup.stamp(tmp_path).write_text("".join(setup.stamp_lines(setup.RUN, "3.11")))
    assert setup.is_installed(setup.RUN, "3.11", tmp_path)
    assert not setup.is_installed(setup.TEST, "3.11", tmp_path)


def test_a_set_up_waits_for_another_that_is_at_work(tmp_path, monkeypatch):
    """Else it would take the half-made folder for one that does not work, and remove it under the other."""
    said, made = [], []
    monkeypatch.setattr(setup, "SETUP_LOCK", tmp_path / ".venv.lock")
    monkeypatch.setattr(setup, "say", said.append)
    monkeypatch.setattr(setup, "make_and_install", made.append)
    with setup.alone():
        second = threading.Thread(target=setup.make_environment, args=(setup.RUN,))
        second.start()
        eventually(lambda: said)
        assert (said, made) == (["Another set-up is at work; waiting for it."], [])
    second.join(timeout=30)
    assert made == [setup.RUN]
    setup.make_environment(setup.TEST)
    assert (len(said), made) == (1, [setup.RUN, setup.TEST])


def test_where_nothing_can_be_locked_a_set_up_goes_on(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(setup, "make_and_install", made.append)
    monkeypatch.setattr(setup, "SETUP_LOCK", tmp_path / "no such folder" / ".venv.lock")
    setup.make_environment(setup.RUN)
    monkeypatch.setattr(setup, "fcntl", None)
    setup.make_environment(setup.RUN)
    assert made == [setup.RUN, setup.RUN]


# --- The commands ---------------------------------------------------------------------------------


def script(*arguments, **environment):
    return subprocess.run(
        [sys.executable, str(setup.ROOT / "tools" / "setup.py"), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("arguments, received", [((), "nothing"), (("fly",), "fly")])
def test_an_unknown_command_is_one_sentence(arguments, received):
    done = script(*arguments)
    assert done.returncode == 2
    assert done.stderr == f"setup.py takes one of run, test, lint, install, lock, and received {received}.\n"


def test_what_is_missing_ends_the_command_with_a_sentence_and_no_traceback():
    done = script("install", "--tset")
    assert done.returncode == 1
    assert done.stderr == "install takes nothing or --test, and received --tset: leave that out.\n"


@pytest.mark.parametrize("finder, path", [("echo /its/chromium", "/its/chromium"), ("exit 1", None)])
def test_the_tests_are_told_that_a_browser_is_needed_and_which(program, monkeypatch, finder, path):
    started = []
    monkeypatch.setattr(setup, "make_environment", lambda files: started.append(files))
    monkeypatch.setattr(setup, "venv_python", lambda: program("python", finder))
    monkeypatch.setattr(setup, "become", started.append)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"]})
    setup.test(["-k", "ink"])
    assert started[0] == setup.TEST
    assert started[1][1:] == ["-m", "pytest", *setup.IN_PROCESSES, "-k", "ink"]
    assert os.environ["MNIST_LAB_NEEDS_BROWSER"] == "1"
    assert os.environ.get(browser.VARIABLE) == path


def test_ci_runs_make_test():
    assert (setup.ROOT / ".ci/run").read_text().rstrip().endswith("exec make test")
    assert os.access(setup.ROOT / ".ci" / "run", os.X_OK)


# --- The browser ----------------------------------------------------------------------------------


@pytest.fixture
def no_playwright(monkeypatch):
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser, "_playwright_path", lambda: None)


def test_the_readers_own_browser_comes_first(program, monkeypatch):
    mine = program("mine", "echo Chromium 1.0")
    monkeypatch.setenv(browser.VARIABLE, mine)
    assert browser.find() == mine


def test_a_chosen_browser_that_does_not_run_is_said_and_not_replaced(program, monkeypatch, capsys):
    monkeypatch.setenv(browser.VARIABLE, program("broken", "exit 1"))
    with pytest.raises(browser.BrowserMissing, match=r"MNIST_LAB_BROWSER is '.*broken', which does not run"):
        browser.find()
    assert browser.main() == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_browser_on_path_is_found_and_a_stub_passed_over(no_playwright, program, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.find() is None
    program("chromium-browser", "echo install the snap; exit 1")
    chrome = program("google-chrome", "echo Chrome 1.0")
    assert browser.find() == chrome


def test_playwrights_own_comes_before_those_on_path(program, monkeypatch):
    own = program("own", "echo Chromium 1.0")
    monkeypatch.delenv(browser.VARIABLE, raising=False)
    monkeypatch.setattr(browser, "_playwright_path", lambda: own)
    assert browser.find() == own


def test_a_missing_browser_is_installed_with_playwright_then_with_apt(no_playwright, monkeypatch):
    tried, found = [], iter([None, None, "/usr/bin/chromium"])
    monkeypatch.setattr(browser, "find", lambda: next(found))
    monkeypatch.setattr(browser, "_install_with_playwright", lambda: tried.append("playwright"))
    monkeypatch.setattr(browser, "_install_with_apt", lambda: tried.append("apt"))
    assert browser.ensure() == "/usr/bin/chromium"
    assert tried == ["playwright", "apt"]


def test_no_browser_after_all_is_one_sentence(no_playwright, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "_install_with_playwright", lambda: None)
    with pytest.raises(browser.BrowserMissing) as told:
        browser.ensure()
    assert str(told.value) == browser.MISSING
    assert "\n" not in browser.MISSING
