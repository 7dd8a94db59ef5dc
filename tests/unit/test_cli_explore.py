"""The commands of exploration: ``compare`` and ``sweep``."""

import io
import json

import numpy as np
import pytest

from mnist_core import cli
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.explore.statistics import mcnemar, wilson
from tests.helpers import assert_friendly


@pytest.fixture
def call(capsys):
    def run(*arguments):
        return cli.main([str(argument) for argument in arguments]), *capsys.readouterr()

    return run


@pytest.fixture
def scored(store):
    """Puts a run in the store that read all test images rightly but for those of these indices."""

    def scored(*wrong, config=None):
        labels = mnist.load("test").labels
        answers = labels.copy()
        answers[list(wrong)] = (answers[list(wrong)] + 1) % 10
        run_id = store.create(config or RunConfig())
        packed = io.BytesIO()
        np.save(packed, np.eye(10, dtype=np.float32)[answers])
        columns = {"status": "finished", "test_accuracy": float(np.mean(answers == labels)), "test_loss": 0.1}
        store.record(run_id, columns, files={"test_probabilities": packed.getvalue()})
        return run_id

    return scored


def test_compare_as_json(call, scored):
    first, second = scored(*range(100)), scored(*range(50, 60), config=RunConfig(seed=7))
    code, out, _ = call("compare", first, second, "--json")
    document = json.loads(out)
    assert code == 0
    assert [row["test_accuracy"] for row in document["runs"]] == [0.99, 0.999]
    assert document["runs"][0]["interval"] == pytest.approx(wilson(9900, 10_000))
    assert document["differs"] == {"seed": {first: 1, second: 7}}
    assert document["pairs"][0]["p"] == pytest.approx(mcnemar(0, 90).p)


def test_compare_in_words(call, scored, store):
    first, second, waiting = scored(1, 2), scored(3), store.create(RunConfig())
    code, out, err = call("compare", first, second, waiting)
    assert code == 0
    assert f"{first}" in out
    assert "99.98%" in out
    assert "a tie" in out
    assert waiting in err


def test_compare_names_every_run_that_is_not_there(call, scored):
    code, out, err = call("compare", scored(), "deadbeef", "also-gone")
    assert (code, out) == (1, "")
    assert_friendly(err.strip(), "deadbeef", "also-gone")


def test_compare_of_one_run(call, scored):
    code, _, err = call("compare", scored())
    assert code == 2
    assert_friendly(err.strip(), "2 to 12")
