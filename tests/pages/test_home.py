"""Home: the way in, the latest runs, and how the engine is."""

import gc
import re
import sys

import pytest

from mnist_core.config import RunConfig
from mnist_core.ui import lab
from mnist_core.ui.menu import PAGES as MENU
from tests.helpers import ROOT
from tests.pages.conftest import PAGES, healthy, labelled, labels_of, words

STEPS = {"Look at the digits": "Data", "Train a network": "Train", "See where it errs": "Evaluate"}
STEPS |= {"Draw a digit": "Draw"}


def primary(app):
    return [button.label for button in app.button if button.proto.type == "primary"]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_leads_to_its_page(visit, step):
    app = visit("Home")
    labelled(app.button, step).click().run()
    assert healthy(app).title[0].value == STEPS[step]


def test_at_first_it_points_to_training(visit):
    app = visit("Home")
    assert primary(app) == ["Train a network"]
    assert "Nothing has been trained yet" in app.info[0].value


def test_a_failed_run_is_no_network_to_draw_for(visit, fail):
    fail("my attempt")
    app = visit("Home")
    assert primary(app) == ["Train a network"]
    assert "my attempt" in words(app, "markdown") and "failed" in words(app, "markdown")


def test_with_a_network_it_points_to_drawing(visit, finish, read):
    run_id = finish("my network")
    app = visit("Home")
    assert primary(app) == ["Draw a digit"]
    assert f"{read.accuracy:.2%}" in words(app, "markdown")
    labelled(app.button, "Open").click().run()
    assert healthy(app).query_params == {"run": [run_id]} or app.query_params == {"run": run_id}
    assert "my network" in words(app, "markdown")


def test_only_the_latest_runs_are_listed(visit, store):
    for number in range(30):
        store.create(RunConfig(), f"run number {number}")
    app = visit("Home")
    shown = words(app, "markdown")
    assert 5 <= labels_of(app.button).count("Open") <= 12
    assert "run number 29" in shown and "run number 3*" not in shown


def test_the_engine_and_its_processors(visit, lease):
    new = {"kind": "train", "device": "", "gpu": False, "ready": False, "problem": ""}
    reader = new | {"name": "predict-0", "kind": "predict", "device": "Intel Test", "ready": True}
    fast = new | {"name": "train-0", "device": "Tesla Test", "gpu": True, "ready": True}
    late = new | {"name": "train-1"}
    lease.renew("ready", "", [reader, fast, late])
    app = visit("Home")
    said = words(app, "markdown", "caption")
    assert "Intel Test" in said and "Tesla Test" in said and "warming up" in said
    assert "No GPU" not in said
    lease.renew("ready", "", [reader, late])
    assert "No GPU" not in words(healthy(app.run()), "caption"), "nobody knows while it warms up"
    lease.renew("ready", "", [reader, fast | {"gpu": False}])
    assert "No GPU" in words(healthy(app.run()), "caption")


def test_a_gpu_that_tensorflow_cannot_use_is_told_with_the_way_to_mend_it(visit, lease):
    row = {"name": "train-0", "kind": "train", "device": "Example CPU", "gpu": False, "ready": True, "problem": ""}
    row |= {"host": "old-driver"}
    lease.renew("ready", "", [row | {"name": "train-1", "gpu": True, "unused_gpu": False}, row | {"unused_gpu": True}])
    said = words(visit("Home"), "caption")
    assert "old-driver" in said.replace("\\", "") and "everything" not in said, "the other one trains on its GPU"
    assert "tensorflow\\[and-cuda\\]" in said and "No GPU here" not in said
    assert "tensorflow\\[and-cuda\\]" in visit("Health").warning[0].value
    lease.renew("ready", "", [row | {"unused_gpu": False}])
    assert "No GPU here" in words(visit("Home"), "caption")
    assert not visit("Health").warning


def test_a_worker_and_an_engine_that_cannot_work_are_named(visit, lease):
    broken = {"name": "train-0", "kind": "train", "device": "", "gpu": False, "ready": False}
    lease.renew("ready", "", [broken | {"problem": "Data is damaged."}])
    app = visit("Home")
    assert "Data is damaged." in words(app, "error")
    lease.renew("ending")
    assert "Engine is warming up" in words(healthy(app.run()), "html")
    lease.renew("broken", problem="No memory.")
    assert "No memory." in words(healthy(app.run()), "error")


def test_every_page_is_in_the_menu():
    files = {f"pages/{path.name}" for path in (ROOT / "pages").glob("*.py")}
    assert files | {PAGES["Home"]} == set(PAGES.values()) == {file for file, _ in MENU.values()}


def test_pages_are_titled_as_the_menu_calls_them():
    """But Home; `menu.go_on` knows by its title which page has begun."""
    for name, (file, _) in MENU.items():
        assert name == "Home" or re.search(rf'page\(\s*"{name}"', (ROOT / file).read_text()), file


def test_the_server_gives_many_visitors_short_turns(visit):
    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(0.005)
    gc.set_threshold(700, 10, 10)
    try:
        visit("Home")
        assert sys.getswitchinterval() == pytest.approx(lab.TURN_SECONDS)
        assert gc.get_threshold()[0] == lab.GARBAGE_EVERY
    finally:
        sys.setswitchinterval(before[0])
        gc.set_threshold(*before[1])
