"""What the predict worker explains of every kind of run; in this process and on few images."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from mnist_core.calibration import Calibration, calibrated
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine import explain, reading
from mnist_core.errors import ExplainError, UnknownRun
from mnist_core.explain.methods import METHODS, kind_of, methods_for
from mnist_core.models import blobs
from mnist_core.models.build import build
from mnist_core.training.classical import ClassicalTrainer
from tests.helpers import ROOT, assert_friendly

CONFIGS = {
    "softmax": {"architecture": {"name": "softmax"}},
    "logits": {"architecture": {"name": "mlp", "hidden_units": [24], "output": "logits"}},
    "raw pixels": {"architecture": {"name": "softmax"}, "data": {"scaled": False}},
    "cnn": {"architecture": {"name": "cnn", "blocks": [{"filters": 4, "kernel": 3, "batch_norm": True}]}},
    "forest": {"architecture": {"name": "random_forest", "trees": 5}},
    "linear": {"architecture": {"name": "sgd_classifier", "max_iter": 3}},
}


@pytest.fixture(autouse=True)
def _few_digits_and_no_traces(digits, worker, monkeypatch):
    monkeypatch.setattr(mnist, "load", lambda part: digits)
    explain._explained.clear()
    explain._search.cache_clear()
    yield
    explain._search.cache_clear()


@pytest.fixture(scope="module")
def models(digits):
    """The files of a model of each kind, some of them trained for a moment."""
    made = {}

    def files(name):
        if name not in made:
            config = RunConfig.parse(CONFIGS[name])
            if config.architecture.family == "classical":
                trainer = ClassicalTrainer(config, digits)
                trainer.fit()
                made[name] = trainer.files()
            else:
                model = build(config)
                scale = 255 if config.data.scaled else 1
                model.fit(digits.images[..., None] / scale, digits.labels, batch_size=40, verbose=0)
                made[name] = {"model.keras": blobs.to_bytes(model)}
        return made[name]

    return files


@pytest.fixture
def kept(store, models):
    """Puts a run with a model into the store."""

    def kept(name):
        run_id = store.create(RunConfig.parse(CONFIGS[name]))
        store.record(run_id, {"status": "finished"}, files=models(name))
        return run_id

    return kept


@pytest.mark.parametrize("name", CONFIGS)
def test_every_way_answers_for_the_models_it_is_for(name, kept, store, digits):
    run_id, image, url = kept(name), digits.images[4], store.database.url
    answer = reading.predict_run(run_id, image[None], url)[0]
    kind = kind_of(RunConfig.parse(CONFIGS[name]))
    for method in methods_for(kind):
        result = explain.explain(run_id, image, method, None, url)
        if METHODS[method].asks_for == "explained":
            assert result.digit == answer.argmax()
            assert result.values.dtype == np.float32
            np.testing.assert_allclose(result.probabilities, answer, atol=1e-6)  # nothing is known of its temperature
            chosen = explain.explain(run_id, image, method, 8, url)
            assert chosen.digit == 8
            if method != "weights":
                assert chosen.end == pytest.approx(answer[8], abs=1e-5)
            if method != "occlusion":
                assert chosen.values.sum() == pytest.approx(chosen.end - chosen.start, abs=0.03, rel=1e-3)
        elif method == "change":
            assert result.target == np.argsort(-answer)[1]
            assert result.reached
            after = reading.predict_run(run_id, result.image[None], url)[0]
            assert after.argmax() == result.target
            wanted = explain.explain(run_id, image, method, 8, url)
            assert reading.predict_run(run_id, wanted.image[None], url)[0].argmax() == 8
        elif method == "neighbours":
            assert result.answer == answer.argmax()
            assert result.rows[0].indices[0] == 4  # it is among the training images itself
            for row in result.rows[1:]:
                assert row.indices[0] == 4
                assert (np.diff(row.likeness) * (1 if row.measure == "distance" else -1) >= 0).all()
            assert len(result.rows) == (1 if name in ("softmax", "raw pixels", "linear") else 2)
        else:
            np.testing.assert_allclose(result.layers[-1].values[answer.argmax()], np.max(result.layers[-1].values))


@pytest.mark.parametrize(("name", "method"), [("forest", "gradients"), ("linear", "questions"), ("cnn", "weights")])
def test_a_way_that_does_not_apply_is_refused(name, method, kept, store, digits):
    with pytest.raises(ExplainError) as error:
        explain.explain(kept(name), digits.images[0], method, None, store.database.url)
    assert_friendly(error, METHODS[method].label, "Covering")
    with pytest.raises(ExplainError) as error:
        explain.explain(kept(name), digits.images[0], "magic", None, store.database.url)
    assert_friendly(error, "magic")


def test_a_run_without_a_model(store, digits):
    run_id = store.create(RunConfig.parse(CONFIGS["softmax"]))
    with pytest.raises(UnknownRun):
        explain.explain(run_id, digits.images[0], "occlusion", None, store.database.url)


def test_probabilities_are_those_that_pages_show(kept, store, digits):
    """Under the run's temperature, for the ways that speak of probabilities."""
    run_id, image, url = kept("logits"), digits.images[4], store.database.url
    store.record(run_id, {}, files={"calibration": Calibration(3.0, 0.5).to_json().encode()})
    shown = calibrated(reading.predict_run(run_id, image[None], url), 3.0)[0]
    for method in ("gradients", "occlusion"):
        result = explain.explain(run_id, image, method, None, url)
        assert result.end == pytest.approx(shown.max(), abs=1e-4)
        np.testing.assert_allclose(result.probabilities, shown, atol=1e-6)
    np.testing.assert_allclose(explain.explain(run_id, image, "change", 3, url).before, shown, atol=1e-6)


def test_a_model_is_made_ready_once_and_kept_within_bounds(kept, store, digits, monkeypatch):
    run_id, url = kept("logits"), store.database.url
    explain.explain(run_id, digits.images[0], "gradients", None, url)
    slopes = explain._explained[run_id]._slopes
    explain.explain(run_id, digits.images[1], "change", None, url)
    assert explain._explained[run_id]._slopes is slopes
    monkeypatch.setattr(explain._explained, "n", 1)  # less than one model takes
    explain.explain(kept("softmax"), digits.images[0], "gradients", None, url)
    assert len(explain._explained) <= 1


def test_blank_and_full_pictures_have_answers_too(kept, store):
    run_id, url = kept("cnn"), store.database.url
    for image in (np.zeros((28, 28), np.uint8), np.full((28, 28), 255, np.uint8)):
        for method in methods_for("network"):
            result = explain.explain(run_id, image, method, None, url)
            if METHODS[method].asks_for == "explained":
                assert np.isfinite(result.values).all()


UNPACK = """
import pickle, sys
for result in pickle.load(sys.stdin.buffer):
    print(type(result).__name__)
print(sorted({"tensorflow", "keras", "sklearn"} & set(sys.modules)))
"""


def test_what_comes_back_needs_no_tensorflow(kept, store, digits):
    run_id, url = kept("cnn"), store.database.url
    results = [explain.explain(run_id, digits.images[0], method, None, url) for method in methods_for("network")]
    packed = pickle.dumps(results)
    assert len(packed) < 2_000_000
    done = subprocess.run([sys.executable, "-c", UNPACK], input=packed, capture_output=True, cwd=ROOT, timeout=60)
    assert done.stdout.decode().split("\n")[-2] == "[]", done.stderr
