"""Whatever comes in from outside, the core answers with a sentence, loses nothing and executes nothing."""

import pytest

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
