"""A run while it trains: what a reader has set stays, and nothing that breaks on the way stops it."""

import psutil
import pytest
from playwright.sync_api import expect

from mnist_core.config import RunConfig
from mnist_core.data import mnist
from mnist_core.store.lease import engine_status
from tests.e2e.test_visitors import name_of

pytestmark = pytest.mark.e2e

LOSS, ACCURACY, BATCHES = "^The loss curve", "^The accuracy curve", "moments of training"

LONG = RunConfig.parse(
    {
        "architecture": {"name": "mlp", "hidden_units": [16]},
        "data": {"subset": 20_000, "validation_fraction": 0.1},
        "training": {"epochs": 500, "batch_size": 64},
    }
)
"""Five hundred epochs of a tenth of a second or so: enough to look at, and nobody waits for the end."""

SHORTER = LONG.replace({"data.subset": 1000, "training.epochs": 300})
"""The same in some seconds, for who does wait for the end."""

ENGINE_SECONDS = 120
"""How long a new engine, with all its imports, may take on busy cores."""

WELL_ON = 4
"""Points on a curve by which a run is well on its way."""


@pytest.fixture
def training(lab, store):
    """The page of a run that trains, well on its way; gives the run's id."""
    run_id = store.create(LONG, "a long one")
    lab.open("Train", run=run_id)
    lab.run_is("training")
    lab.more_points(LOSS, WELL_ON)
    return run_id


def test_zoom_and_hidden_curves_stay(lab, training):
    whole = lab.zoomed(LOSS)
    zoomed = lab.zoom(LOSS, 0.2, 0.6)
    assert whole[0] < zoomed[0] < zoomed[1] < whole[1]
    lab.hide(LOSS, "validation")
    lab.hide(ACCURACY, "training")
    lab.more_points(LOSS, lab.points(LOSS) + 10)
    lab.more_points(ACCURACY, lab.points(ACCURACY) + 10)
    assert lab.zoomed(LOSS) == pytest.approx(zoomed)
    assert (lab.hidden(LOSS), lab.hidden(ACCURACY), lab.hidden(BATCHES)) == (["validation"], ["training"], [])
    assert lab.zoomed(ACCURACY) == pytest.approx(whole)


def test_reload_in_the_middle(lab, training):
    before = lab.points(LOSS)
    lab.page.reload()
    lab.run_is("training")
    assert lab.linked_run == training
    lab.more_points(LOSS, before)
    assert lab.chart(LOSS).evaluate("chart => chart.data[0].x[0]") == 1


def test_another_visitor_sees_the_same_run(lab, visitor, training):
    other = visitor().open("Train", run=training)
    other.run_is("training")
    other.more_points(LOSS, lab.points(LOSS))
    other.click("Pause")
    lab.sees_button("Resume")


def test_a_dropped_connection(visitor, store):
    lab, lines = visitor(), []
    lab.console_may_complain = True

    def connect(line):
        line.connect_to_server()
        lines.append(line)

    lab.page.route_web_socket("**/_stcore/stream", connect)
    run_id = store.create(LONG, "a long one")
    lab.open("Train", run=run_id)
    lab.more_points(LOSS, WELL_ON)
    for drops in (1, 2):
        before = lab.points(LOSS)
        lines[-1].close()
        lab.more_points(LOSS, before + 10)
        assert len(lines) > drops
    lab.run_is("training")


def test_pause_resume_and_stop(lab, store, training):
    lab.click("Pause")
    lab.run_is("paused")
    paused = store.get(training)
    assert paused.status == "paused" and 0 < paused.step < paused.steps
    lab.page.reload()
    lab.run_is("paused")
    assert store.get(training).step == paused.step, "it trained while it paused"
    lab.click("Resume")
    lab.run_is("training")
    lab.more_points(LOSS, paused.epoch)
    lab.click("Stop")
    lab.run_is("stopped")
    stopped = store.get(training)
    assert paused.step < stopped.step < stopped.steps
    assert [row["epoch"] for row in store.epochs(training)] == list(range(1, stopped.epoch + 1))
    # The last points come a moment after the word that it has stopped.
    lab.more_points(LOSS, stopped.epoch - 1)
    epochs = lab.chart(LOSS).evaluate("chart => chart.data[0].x")
    assert epochs == list(range(1, stopped.epoch + 1)), "every epoch once, and in order"
    lab.click("See where it errs")
    lab.on("Evaluate")
    labels, probabilities = mnist.load("test").labels, store.load_array(training, "test_probabilities")
    lab.sees(f"{(probabilities.argmax(axis=1) == labels).mean():.2%}")


def test_a_second_run_waits_for_its_turn(lab, visitor, store, training):
    other = visitor().open("Train")
    waiting = other.begin_training()
    other.run_is("waiting")
    other.sees("place 1 of 1")
    third = store.create(LONG, "a third one")
    other.open("Train", run=third)
    other.sees("place 2 of 2")
    lab.engine_says("1 training · 2 waiting")
    other.click("Cancel")
    other.run_is("cancelled")
    assert [store.get(run).status for run in (training, waiting, third)] == ["running", "queued", "cancelled"]
    lab.click("Stop")
    lab.run_is("stopped")
    other.open("Train", run=waiting)
    other.run_is("training")


def test_a_killed_engine_comes_back(lab, store):
    run_id = store.create(SHORTER, "killed in between")
    lab.open("Train", run=run_id)
    lab.more_points(LOSS, WELL_ON)
    engine = psutil.Process(engine_status(store.database).pid)
    workers = engine.children(recursive=True)
    assert workers
    engine.kill()
    before = store.get(run_id)
    assert before.status == "running"
    lab.engine_says("away|warming up")
    lab.engine_says("Ready", ENGINE_SECONDS)
    expect(lab.button("See where it errs")).to_be_visible(timeout=ENGINE_SECONDS * 1000)
    assert store.get(run_id).status == "finished"
    every_epoch_once = list(range(1, SHORTER.training.epochs + 1))
    assert [row["epoch"] for row in store.epochs(run_id)] == every_epoch_once
    assert lab.chart(LOSS).evaluate("chart => chart.data[0].x") == every_epoch_once
    assert engine_status(store.database).pid not in (0, engine.pid)
    assert not psutil.wait_procs(workers, timeout=20)[1], "workers of the killed engine live on"


def test_a_killed_web_server_comes_back_under_an_open_page(lab, server, store):
    """Nothing of what a reader sees lives in the web process alone: who they are, which run, and its points."""
    run_id = store.create(LONG.replace({"data.subset": 55_000}), "longer than a server takes to come back")
    lab.open("Train", run=run_id)
    before = lab.more_points(LOSS, WELL_ON)
    name, engine = name_of(lab), engine_status(store.database).pid
    lab.console_may_complain = True
    server.begin_again()
    lab.more_points(LOSS, before + WELL_ON)
    lab.run_is("training")
    assert f"run={run_id}" in lab.page.url
    assert (name_of(lab), engine_status(store.database).pid) == (name, engine)
    assert lab.chart(LOSS).evaluate("chart => chart.data[0].x.slice(0, 4)") == [1, 2, 3, 4]
