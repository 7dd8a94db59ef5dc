"""Train, once a run has begun: what the page shows of it, and what a reader may ask of it."""

import re
import time

import pytest

from mnist_core.config import RunConfig
from mnist_core.recipes import RECIPES, recipe
from mnist_core.ui.words import percent
from tests.helpers import assert_friendly
from tests.pages.conftest import can_train, curves, healthy, labelled, labels_of, linked, trained, words


def progress(app):
    """What stands over the bar that grows."""
    return "".join(bar.proto.text for bar in app.get("progress"))


def filled(app):
    """How far the bar has grown, in percent."""
    return [bar.proto.value for bar in app.get("progress")]


def test_a_run_that_waits_and_is_cancelled(visit, store):
    store.create(RunConfig(), "before it")
    run_id = store.create(RunConfig(), "mine")
    app = visit("Train", run=run_id)
    assert "place 2 of 2" in progress(app)
    labelled(app.button, "Cancel").click().run()
    assert store.get(run_id).status == "cancelled"
    assert "cancelled" in words(healthy(app), "markdown")
    assert not {"Cancel", "Stop", "Pause", "Resume"} & set(labels_of(app.button))


@pytest.fixture
def running(store):
    """A run in the middle of its third epoch."""
    run_id = store.create(RunConfig(), "mine")
    store.mark_running(run_id)
    batches = [{"step": step, "loss": 1 / step, "accuracy": 0.9} for step in range(1, 1050, 7)]
    progress = {"step": 1050, "steps": 2100, "epoch": 2, "train_seconds": 1.5, "images_per_second": 123_456.0}
    store.record(run_id, progress, batches, curves(2))
    return run_id


def test_what_was_chosen_to_compute_with_and_why(visit, store, running):
    store.record(running, {}, event="Starts on a processor (CPU): XLA compiles the whole loop; float32 as asked for.")
    store.record(running, {}, event="Paused at step 5.")
    said = words(healthy(visit("Train", run=running)), "caption")
    assert "Starts on a processor (CPU): XLA compiles the whole loop; float32 as asked for." in said


def test_what_a_worker_does_before_the_first_step(visit, store):
    run_id = store.create(RunConfig(), "mine")
    store.mark_running(run_id)
    store.record(run_id, {}, event="Starts on a CPU: oneDNN.")
    store.record(run_id, {}, event="Draws pictures.")
    assert "Starts on a CPU: oneDNN. Draws pictures." in words(visit("Train", run=run_id), "caption")
    store.record(run_id, {"step": 1})
    assert "Draws pictures" not in words(healthy(visit("Train", run=run_id)), "caption")


def test_a_run_that_trains(visit, running):
    app = visit("Train", run=running)
    said = words(app) + progress(app)
    for text in ("training", "Epoch 3 of 5", "50%", "87.50%", "81.25%", "123,456", "101,770"):
        assert text in said


def test_the_time_left_and_the_device(visit, store, running):
    """Half of the steps took ten seconds by the clock, so the other half takes as long."""
    began = time.time() - 10
    store.record(running, {"device": "CPU (a processor)", "queued": began - 1, "started": began})
    left = re.search(r"about (\d+) s left · CPU \(a processor\)", progress(healthy(visit("Train", run=running))))
    assert 10 <= int(left[1]) <= time.time() - began + 1


def test_a_run_that_early_stopping_ended(visit, store, finish):
    run_id = finish(config=RunConfig.parse({"training": {"epochs": 100, "early_stopping": 2}}))
    store.record(run_id, {"epoch": 4, "step": 1680})
    app = visit("Train", run=run_id)
    assert filled(app) == [100]
    assert "Stopped early after epoch 4 of 100" in progress(app)
    store.record(run_id, {"status": "stopped"})
    assert filled(visit("Train", run=run_id)) == [4], "a reader's stop leaves the bar where it was"


def test_a_forest_tells_its_trees_and_can_be_stopped(visit, store):
    run_id = store.create(recipe("random-forest").config)
    store.mark_running(run_id)
    store.record(run_id, {"step": 2, "steps": 50, "epoch": 2, "train_seconds": 1.5}, [], curves(2))
    app = visit("Train", run=run_id)
    assert "Tree 3 of 50" in progress(app)
    assert "**Accuracy by tree**" in words(app, "markdown")
    assert {"Stop", "Pause"} <= set(labels_of(app.button))


@pytest.mark.parametrize("button, wish", [("Pause", "pause"), ("Stop", "stop")])
def test_what_a_reader_asks_of_it(visit, store, running, button, wish):
    app = visit("Train", run=running)
    labelled(app.button, button).click().run()
    assert store.get(running).wish == wish
    assert f"Asked to {wish}" in words(healthy(app), "caption")
    assert not {"Stop", "Pause"} & set(labels_of(app.button))


@pytest.mark.parametrize("status", ["paused", "interrupted"])
@pytest.mark.parametrize("button, wish", [("Resume", ""), ("Stop and keep the weights", "stop")])
def test_a_paused_or_interrupted_run(visit, store, running, button, wish, status):
    store.record(running, {"status": status})
    app = visit("Train", run=running)
    assert "Nothing conspicuous" not in words(app), "it has not ended"
    labelled(app.button, button).click().run()
    assert (store.get(running).status, store.get(running).wish) == ("queued", wish)
    healthy(app)


@pytest.mark.parametrize("status", ["finished", "stopped"])
@pytest.mark.parametrize(
    "button, title", [("See where it errs", "Evaluate"), ("Draw a digit for it", "Draw")]
)
def test_from_a_finished_run_onwards(visit, finish, status, button, title):
    run_id = finish(status=status)
    finish("a newer one")
    app = visit("Train", run=run_id)
    labelled(app.button, button).click().run()
    assert healthy(app).title[0].value == title
    assert linked(app) == run_id


@pytest.mark.parametrize(("status", "shown"), [("finished", 4), ("running", 5)])
def test_accuracies_are_those_of_the_weights_that_early_stopping_kept(visit, finish, store, status, shown):
    run_id = finish(config=RunConfig.parse({"training": {"early_stopping": 2, "epochs": 4}}), status=status)
    store.record(run_id, {"epoch": 5}, epoch_rows=[curves(5)[-1] | {"val_loss": 9.0}])
    metrics = {metric.label: metric.value for metric in visit("Train", run=run_id).metric}
    row = curves(shown)[-1]
    assert metrics["Training accuracy"] == percent(row["accuracy"])
    assert metrics["Validation accuracy"] == percent(row["val_accuracy"])


def test_a_trial_shows_the_accuracies_that_its_sweep_judged_it_by(visit, searched, sweeps, store):
    """Also before it is scored on the test set, when it has no model yet."""
    trial = sweeps.trials(searched(1, "training.early_stopping=2|3"))[0]
    store.record(trial.run_id, {"epoch": 4}, epoch_rows=[curves(4)[-1] | {"val_loss": 9.0}])
    assert not store.get(trial.run_id).usable
    metrics = {metric.label: metric.value for metric in visit("Train", run=trial.run_id).metric}
    assert metrics["Validation accuracy"] == percent(curves(3)[-1]["val_accuracy"])


def test_one_run_alone_can_be_taken_to_tensorboard(visit, finish, store):
    button = "TensorBoard files"
    assert button in labels_of(visit("Train", run=finish()).get("download_button"))
    waiting = store.create(RunConfig(), "waiting")
    assert button not in labels_of(visit("Train", run=waiting).get("download_button"))


def test_a_failed_run_says_why(visit, fail):
    app = visit("Train", run=fail(message="The loss became infinite. Try a smaller learning rate."))
    assert [error.value for error in app.error] == ["The loss became infinite. Try a smaller learning rate."]
    assert "Change and train again" in labels_of(app.button)


def test_a_run_that_is_deleted_while_it_is_watched(visit, store, running):
    app = visit("Train", run=running)
    store.delete(running)
    app.run()
    assert len(healthy(app).error) == 1
    assert_friendly(app.error[0].value, running)


def test_its_settings_again(visit, store, finish):
    config = RECIPES["cnn-32-64-64"].config.replace({"training.epochs": 4, "augmentation.shift": 1.5})
    app = visit("Train", run=finish(config=config))
    labelled(app.button, "Change and train again").click().run()
    assert trained(healthy(app), store).settings == config


def test_another_run(visit, finish):
    app = visit("Train", run=finish())
    labelled(app.button, "Set up another run").click().run()
    assert "run" not in healthy(app).query_params
    assert can_train(app)
