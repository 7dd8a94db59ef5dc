"""Questions that come together are answered together, each with its own rows."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mnist_core.engine import batching
from mnist_core.engine.batching import Batcher
from mnist_core.errors import EngineError
from tests.helpers import eventually


class Model:
    """Answers with every image's sum, when it is let; remembers what it was asked."""

    def __init__(self):
        self.asked, self.free = [], threading.Event()
        self.error = None

    def __call__(self, model, images):
        self.asked.append((model, len(images)))
        assert self.free.wait(60)
        if self.error:
            raise self.error
        return images.sum(axis=(1, 2), dtype=np.int64)[:, None]


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def threads():
    with ThreadPoolExecutor(40) as pool:
        yield pool


def pictures(*values):
    return np.stack([np.full((28, 28), value, np.uint8) for value in values])


def waiting(batcher):
    return sum(len(questions) for questions in batcher._waiting.values())


def test_a_question_alone_is_asked_at_once(model):
    model.free.set()
    rows = Batcher(model)("run", pictures(1, 2))
    assert rows.tolist() == [[784], [1568]]
    assert model.asked == [("run", 2)]


def test_a_class_is_answered_in_two_goes(model, threads):
    batcher = Batcher(model)
    first = threads.submit(batcher, "run", pictures(0))
    eventually(lambda: model.asked)
    others = [threads.submit(batcher, "run", pictures(value, value + 1)) for value in range(1, 31)]
    eventually(lambda: waiting(batcher) == 30)
    model.free.set()
    assert first.result().tolist() == [[0]]
    for value, other in enumerate(others, 1):
        assert other.result().tolist() == [[784 * value], [784 * (value + 1)]]
    assert model.asked == [("run", 1), ("run", 60)]
    assert waiting(batcher) == 0


def test_another_model_does_not_wait(model, threads):
    batcher = Batcher(model)
    both = [threads.submit(batcher, name, pictures(3)) for name in ("one", "other")]
    eventually(lambda: len(model.asked) == 2)
    model.free.set()
    assert [each.result().tolist() for each in both] == [[[2352]]] * 2


def test_batches_have_a_limit(model, threads, monkeypatch):
    monkeypatch.setattr(batching, "MOST_IMAGES", 4)
    batcher = Batcher(model)
    first = threads.submit(batcher, "run", pictures(*range(9)))  # one question is never cut
    eventually(lambda: model.asked)
    others = [threads.submit(batcher, "run", pictures(value, value, value)) for value in range(5)]
    eventually(lambda: waiting(batcher) == 5)
    model.free.set()
    assert len(first.result()) == 9
    assert [other.result()[0, 0] for other in others] == [784 * value for value in range(5)]
    assert [count for _, count in model.asked] == [9, 3, 3, 3, 3, 3]


def test_an_error_reaches_all_and_stops_nobody(model, threads):
    batcher = Batcher(model)
    first = threads.submit(batcher, "run", pictures(1))
    eventually(lambda: model.asked)
    others = [threads.submit(batcher, "run", pictures(value)) for value in range(5)]
    eventually(lambda: waiting(batcher) == 5)
    model.error = EngineError("The engine did not answer.")
    model.free.set()
    for each in (first, *others):
        with pytest.raises(EngineError):
            each.result()
    model.error = None
    assert batcher("run", pictures(2)).tolist() == [[1568]]


def test_images_that_do_not_fit_are_an_error_and_not_the_end(model, threads):
    batcher = Batcher(model)
    first = threads.submit(batcher, "run", pictures(1))
    eventually(lambda: model.asked)
    wrong = threads.submit(batcher, "run", np.zeros((1, 3, 3), np.uint8))
    right = threads.submit(batcher, "run", pictures(1))
    eventually(lambda: waiting(batcher) == 2)
    model.free.set()
    assert first.result().tolist() == [[784]]
    for each in (wrong, right):
        with pytest.raises(ValueError, match="dimensions"):
            each.result()
    assert batcher("run", pictures(2)).tolist() == [[1568]]
