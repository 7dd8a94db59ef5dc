"""Whatever comes in from outside, the core answers with a sentence, loses nothing and executes nothing."""

import sys

import pytest

from benchmarks import badinput
from tests.hostile import core, pages
from tests.hostile.core import ATTACKS
from tests.hostile.target import Attack, Harm, target, throw, throw_some


@pytest.fixture(scope="module")
def at():
    with target() as made:
        yield made


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_every_input_has_its_sentence(at, attack):
    throw_some(attack, at, 30)


def _delete_kept(at, value):
    at.store.rename(at.kept, "another name")


def _write_beside(at, value):
    (at.outside / "made").write_text("x")


def _look_beside(at, value):
    (at.outside / "secret.txt").read_text()


def _run_program(at, value):
    import subprocess

    subprocess.run(["true"], check=True)


def _unpickle(at, value):
    import pickle

    pickle.loads(b"cposix\nmkdir\n.")


@pytest.mark.parametrize("harm", [_delete_kept, _write_beside, _look_beside, _run_program, _unpickle])
def test_harm_is_noticed(harm):
    with target() as made, pytest.raises(Harm):
        throw(Attack("harm", None, harm), made, None)


def test_an_error_of_ours_comes_through():
    def fail(at, value):
        raise KeyError(value)

    with target() as made, pytest.raises(KeyError):
        throw(Attack("bug", None, fail), made, "x")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
def test_the_benchmark_throws_at_core_and_pages(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # which Streamlit makes each page be
    assert badinput.run(60, seed=1) == {"tried": 60, "tracebacks": 0, "lost": 0}
    told = capsys.readouterr()
    for attack in (core.ATTACKS[0], pages.ATTACKS[0]):
        assert f"{attack.name}: " in told.out + told.err
