"""Pages run by Streamlit's AppTest: no server and no browser, so a page takes hundredths of a second.

Unless a test asks for the real ``engine``, its process holds the engine's lease: pages find an engine that is
ready, start none, and runs stay as the test writes them.
"""

import io
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline
from streamlit.runtime.fragment import MemoryFragmentStorage
from streamlit.testing.v1 import AppTest

from mnist_core.calibration import calibrated
from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.explore import questions
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.size import UNITS
from mnist_core.explore.space import Dimension
from mnist_core.recipes import recipe
from mnist_core.store.lease import Lease
from mnist_core.store.sweeps import SweepStore
from tests.helpers import ROOT, assert_friendly
from tests.pages.draw import SMALL, train

HOME = "streamlit_app.py"
PAGES = {
    "Home": HOME,
    "Data": "pages/1_Data.py",
    "Train": "pages/2_Train.py",
    "Evaluate": "pages/3_Evaluate.py",
    "Draw": "pages/4_Draw.py",
    "Runs": "pages/5_Runs.py",
    "Compare": "pages/6_Compare.py",
    "Explore": "pages/7_Explore.py",
    "Robustness": "pages/8_Robustness.py",
    "Health": "pages/9_Health.py",
}
BUG = "Something in MNIST Lab went wrong"
"""How a page begins to say that it failed in a way nobody thought of."""

TRAINED_ON = 2_000
STEPS_AN_EPOCH = 420


@pytest.fixture(autouse=True)
def _main_stays(monkeypatch):
    """Streamlit makes each page the module ``__main__``, which processes that are begun later would then run."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def _fragments_stand_alone(monkeypatch):
    """No fragment is drawn by another: one that is asked for twice in a moment would empty the whole page.

    Of the first answer, Streamlit then drops what it has not sent yet, but for the inner fragment's part, whose place
    the browser does not know (``ForwardMsgQueue.clear``).
    """
    inner, register = [], MemoryFragmentStorage.register

    def noted(self, key, fragment, *, parent_fragment_id=None, **others):
        if parent_fragment_id:
            inner.append(key)
        register(self, key, fragment, parent_fragment_id=parent_fragment_id, **others)

    monkeypatch.setattr(MemoryFragmentStorage, "register", noted)
    yield
    assert not inner


@pytest.fixture(autouse=True)
def lease(request):
    """The engine's lease, held by this process; ``None`` in tests with a real engine."""
    if "engine" in request.fixturenames:
        yield None
        return
    if "both_databases" in request.fixturenames:  # which is to name the database before anybody opens it
        request.getfixturevalue("both_databases")
    lease = Lease(request.getfixturevalue("store").database)
    assert lease.take()
    lease.renew(
        "ready", "", [{"name": "train-0", "kind": "train", "device": "Test processor", "ready": True}]
    )
    yield lease
    lease.release()


@pytest.fixture
def visit():
    """Opens a page by its title and link, as a new visitor does; checks that it did not fail."""

    def visit(title, *, secret="", **link):
        app = AppTest.from_file(str(ROOT / HOME), default_timeout=60)
        if secret:  # as a browser sends it with its cookie
            app.session_state["visitor-secret"] = secret
        if title != "Home":
            app.switch_page(PAGES[title])
        for name, value in link.items():
            app.query_params[name] = value
        return healthy(app.run())

    return visit


def healthy(app):
    """The page as it is; fails when it has failed, or speaks of errors as no reader would."""
    assert not app.exception, [error.value for error in app.exception]
    for error in app.error:
        assert BUG not in error.value, "the page failed: see the log that pytest shows"
        assert_friendly(error.value)
    return app


def opened(app, *boxes):
    """The page with these boxes open, which cost nothing before."""
    for box in boxes:
        app.session_state[box] = True
    return healthy(app.run())


def open_part(app, name):
    app.session_state["part"] = name
    return healthy(app.run())


def words(app, *kinds):
    """The text of all elements of these kinds, one a line; without kinds of the usual ones."""
    usual = ("title", "subheader", "markdown", "caption", "info", "error", "html", "metric")
    found = []
    for kind in kinds or usual:
        for element in app.get(kind):
            found += [getattr(element, "label", ""), element.proto.body if kind == "html" else element.value]
    return "\n".join(str(text) for text in found)


def labelled(elements, label):
    """The one element with this label."""
    found = [element for element in elements if element.label == label]
    assert len(found) == 1, f"{len(found)} called {label!r} among {[element.label for element in elements]}"
    return found[0]


def labels_of(elements):
    return [element.label for element in elements]


def linked(app):
    """The run that the link names."""
    run = app.query_params.get("run", "")
    return run[0] if isinstance(run, list) else run


def can_train(app):
    return not labelled(app.button, "Train").disabled


def trained(app, store):
    """Clicks Train; gives the one run that this made, which the link then names."""
    before = {run.id for run in store.list()}
    healthy(labelled(app.button, "Train").click().run())
    (made,) = (run for run in store.list() if run.id not in before)
    assert linked(app) == made.id
    assert made.status == "queued"
    return made


def curves(epochs):
    """Rows of so many epochs, as a worker writes them, each better than the one before."""
    return [
        {"epoch": epoch, "step": STEPS_AN_EPOCH * epoch, "learning_rate": 0.001, "seconds": 0.5}
        | {"loss": 0.5 / epoch, "accuracy": 1 - 0.25 / epoch}
        | {"val_loss": 0.6 / epoch, "val_accuracy": 1 - 0.375 / epoch}
        for epoch in range(1, epochs + 1)
    ]


@pytest.fixture(scope="session")
def read():
    """A scikit-learn model's real answers on the test set: ``labels``, ``probabilities`` and its marks."""
    train, test = mnist.load("train"), mnist.load("test")
    model = make_pipeline(PCA(40, random_state=0), LinearDiscriminantAnalysis())
    model.fit(train.images[:TRAINED_ON].reshape(TRAINED_ON, -1) / 255, train.labels[:TRAINED_ON])
    probabilities = model.predict_proba(test.images.reshape(len(test), -1) / 255).astype(np.float32)
    predicted = probabilities.argmax(axis=1)
    return SimpleNamespace(
        labels=test.labels,
        probabilities=probabilities,
        predicted=predicted,
        accuracy=accuracy_score(test.labels, predicted),
        loss=log_loss(test.labels, probabilities),
    )


@pytest.fixture
def finish(store, read):
    """Puts a run in the store as a worker leaves it, with scikit-learn's answers on the test set."""

    def finish(name="a finished run", config=None, status="finished"):
        config = config or recipe("quick").config
        run_id = store.create(config, name)
        store.mark_running(run_id)
        packed = io.BytesIO()
        np.save(packed, read.probabilities)
        epochs = config.training.epochs
        columns = {"status": status, "ended": time.time(), "epoch": epochs}
        columns |= {"step": STEPS_AN_EPOCH * epochs, "steps": STEPS_AN_EPOCH * epochs}
        columns |= {"train_seconds": 2.5, "images_per_second": 1e5, "device": "Test processor"}
        columns |= {"test_accuracy": read.accuracy, "test_loss": read.loss}
        store.record(run_id, columns, [], curves(epochs), {"test_probabilities": packed.getvalue()})
        return run_id

    return finish


@pytest.fixture
def fail(store):
    """Puts a run in the store that failed with a message."""

    def fail(name="a failed run", message="There was not enough memory. Try fewer units."):
        run_id = store.create(recipe("quick").config, name)
        store.mark_running(run_id)
        store.record(run_id, {"status": "failed", "message": message, "ended": time.time()})
        return run_id

    return fail


@pytest.fixture(scope="session")
def networks(engine):
    return [train(engine, SMALL.replace({"seed": seed}), f"small {seed}") for seed in (1, 2)]


@pytest.fixture
def answers(engine):
    """What the model of a run says, asked past the page, under its temperature."""
    _, store, client = engine

    def ask(run_id, image):
        return calibrated(client.predict(run_id, image[None]), store.calibration(run_id).temperature)[0]

    return ask


@pytest.fixture
def seven(monkeypatch):
    """A network that reads a 7 in everything."""
    probabilities = np.full(10, 0.001, np.float32)
    probabilities[7] = 0.991
    monkeypatch.setattr(EngineClient, "predict", lambda self, run_id, images: np.tile(probabilities, (len(images), 1)))


@pytest.fixture
def sweeps(store):
    return SweepStore(store.database)


@pytest.fixture
def searched(sweeps, store):
    """A sweep as the engine leaves it after so many trials; every seventh was pruned and every eleventh failed."""

    def searched(count=8, *over, status="finished", **search):
        space = tuple(map(Dimension.parse, over or ("optimizer.learning_rate=log:1e-5..1", f"{UNITS}=log:16..256")))
        how = make_search({"sampler": "random", "trials": count} | search)
        design = Design(RunConfig.parse(questions.SMALL), space, how)
        sweep_id = sweeps.create(design, "my sweep")
        for number in range(count):
            values = {d.key: d.grid()[(number // (5**i)) % len(d.grid())] for i, d in enumerate(space)}
            run_id = sweeps.add_trial(sweep_id, number, values, design.configure(values), f"trial {number}")
            store.mark_running(run_id)
            store.record(run_id, {"status": "finished", "epoch": 3}, epoch_rows=curves(3))
            trial = sweeps.trials(sweep_id)[-1] if count < 50 else None
            state = "pruned" if number % 7 == 6 else "failed" if number % 11 == 10 else "complete"
            columns = {"state": state, "value": 0.5 + 0.4 * number / count, "seconds": 1.0, "second": 100.0 + number}
            if trial is None:
                trial = next(t for t in sweeps.trials(sweep_id) if t.number == number)
            sweeps.update_trial(trial, **columns)
        importances = {dimension.key: 1 / len(space) for dimension in space}
        sweeps.update(sweep_id, status=status, importances=importances, ended=None if status == "running" else 2e9)
        return sweep_id

    return searched
