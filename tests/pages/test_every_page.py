"""What holds on every page: with nothing, something and a failure in the store, and with no store at all."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.recipes import recipe
from mnist_core.ui import frame
from tests.helpers import ROOT, assert_friendly
from tests.pages.conftest import BUG, HOME, PAGES, healthy, words

EVERY_PAGE = pytest.mark.parametrize("title", PAGES)
STRANGE = (
    "",
    "' OR 1=1 --",
    "<script>alert(1)</script>",
    "x" * 5000,
    "\x00",
    "7\n7",
    "%00",
    "../../etc/passwd",
)
READS_RUN = pytest.mark.parametrize("title", ["Train", "Evaluate", "Draw"])


@pytest.fixture(autouse=True)
def answers(monkeypatch):
    """Robustness asks at once. What is answered is not looked at here, and there is no engine."""
    monkeypatch.setattr(EngineClient, "predict", lambda self, run_id, images: np.full((len(images), 10), 0.1, "f4"))


@EVERY_PAGE
def test_an_empty_store(visit, title):
    app = visit(title)
    assert app.title[0].value in (title, "MNIST Lab")
    assert not app.error
    assert "Ready: Test processor" in words(app.sidebar, "html")


@EVERY_PAGE
def test_a_finished_and_a_failed_run(visit, finish, fail, title):
    finish()
    fail()
    assert not visit(title).error


@EVERY_PAGE
def test_a_classical_model(visit, finish, title):
    runs = [finish(config=recipe(name).config) for name in ("random-forest", "sgd-classifier")]
    assert not visit(title, run=runs[0], runs=",".join(runs)).error


@EVERY_PAGE
def test_a_failed_run_alone(visit, fail, title):
    fail()
    assert not visit(title).error


@READS_RUN
def test_a_link_to_an_unknown_run(visit, finish, title):
    finish()
    app = visit(title, run="00000000")
    said = [message.value for message in (*app.error, *app.info, *app.warning) if "00000000" in message.value]
    assert len(said) == 1
    assert_friendly(said[0])


@READS_RUN
def test_strange_links(visit, finish, title):
    finish()
    for link in STRANGE:
        visit(title, run=link)


@EVERY_PAGE
def test_a_data_folder_that_is_a_file(visit, title, tmp_path, monkeypatch):
    file = tmp_path / "file"
    file.write_text("I am no folder.")
    monkeypatch.setenv("MNIST_LAB_HOME", str(file))
    app = visit(title)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, file)
    assert file.read_text() == "I am no folder."


@EVERY_PAGE
def test_a_database_that_is_none(visit, title, tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    file = tmp_path / "broken" / "runs.sqlite"
    file.write_text("This is not a database, but a letter to you. " * 100)
    monkeypatch.setenv("MNIST_LAB_HOME", str(file.parent))
    app = visit(title)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, file, "not a database")


@EVERY_PAGE
def test_a_setting_that_cannot_be_read(visit, title, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_TRAIN_WORKERS", "many")
    app = visit(title)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, "MNIST_LAB_TRAIN_WORKERS")


@EVERY_PAGE
def test_an_address_of_a_database_that_cannot_be_read(visit, title, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_DATABASE", "postgresql://lab:secret@host:abc/runs")
    app = visit(title)
    assert len(app.error) == 1
    assert_friendly(app.error[0].value, "host:abc", "no database URL")


@pytest.mark.parametrize("name", ["say_here", "who_is_here"])
def test_a_fault_of_ours_before_the_page_begins_is_one_sentence(monkeypatch, name):
    def fail(here):
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(frame, name, fail)
    app = AppTest.from_file(str(ROOT / HOME), default_timeout=60).run()
    assert not app.exception
    assert BUG in app.error[-1].value
    assert not app.button  # the page's body has not begun


@EVERY_PAGE
def test_the_engine_while_it_warms_up(visit, title, lease):
    lease.renew("ready", "", [{"name": "train-0", "kind": "train", "device": "", "ready": False}])
    assert "warming up" in words(visit(title).sidebar, "html")


@EVERY_PAGE
def test_how_many_runs_train_and_wait(visit, title, store):
    runs = [store.create(RunConfig()) for _ in range(3)]
    store.mark_running(runs[0])
    assert "1 training" in (said := words(visit(title).sidebar, "html"))
    assert "2 waiting" in said


@EVERY_PAGE
def test_a_run_name_is_shown_as_it_was_written(visit, finish, title):
    run_id = finish("*bold* <b>tag</b> [link](javascript:alert(1)) $x^2$ :red[red]")
    app = visit(title, **({"run": run_id} if title in ("Train", "Evaluate", "Draw") else {}))
    for text in (*app.markdown, *app.subheader, *app.info, *app.caption):
        assert "*bold*" not in text.value.replace(r"\*", ""), text.value
    assert "<b>tag</b>" not in words(healthy(app), "html")
