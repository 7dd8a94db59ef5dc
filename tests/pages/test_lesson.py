"""The Train page by a teacher's link, with a prediction before and an explanation after."""

import json

from mnist_core.config import RunConfig
from mnist_core.explore.lesson import Lesson
from mnist_core.recipes import RECIPES
from mnist_core.store.expectations import expect, expected
from tests.helpers import assert_friendly
from tests.pages.conftest import curves, healthy, labelled, labels_of, opened, words

CONFIG = {"optimizer": {"name": "sgd", "learning_rate": 0.25}, "training": {"epochs": 2}}


def test_a_link_carries_the_whole_set_up(visit, store):
    app = visit("Train", config=json.dumps(CONFIG))
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings == RunConfig.parse(CONFIG)
    app = visit("Train", config=json.dumps(CONFIG))
    assert Lesson(RunConfig.parse(CONFIG)).link() in [code.value for code in opened(app, "share").code]


def test_a_teacher_locks_hides_and_gives_a_task(visit, store):
    task = "Find a *better* rate <script>alert(1)</script> [here](http://evil)"
    controls = {"lock": "training", "hide": "all", "open": "optimizer.learning_rate,training"}
    app = visit("Train", config=json.dumps(CONFIG), task=task, **controls)
    numbers = [label for label in labels_of(app.number_input) if label != "Your prediction: test accuracy in %"]
    assert "Learning rate" in numbers
    assert "Momentum" not in numbers
    assert "Seed" not in numbers
    shown = "\n".join(info.value for info in app.info)
    assert "Your task" in shown
    assert r"\<script" in shown
    assert r"\[here" in shown
    assert not [box for box in app.selectbox if box.key == "recipe-choice"]
    rate = next(number for number in app.number_input if number.label == "Learning rate")
    rate.set_value(0.5).run()
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings == RunConfig.parse(CONFIG).replace({"optimizer.learning_rate": 0.5})


def test_a_task_stays_while_its_run_trains_and_afterwards(visit, store):
    """Also for who comes by the address alone, and for who comes back by a link without the task."""
    app = visit("Train", config=json.dumps(CONFIG), task="Find a better rate.")
    healthy(app.button(key="train").click().run())
    run_id = store.list()[0].id
    assert "Your task.** Find a better rate." in words(app, "info")
    address = {name: value[0] if isinstance(value, list) else value for name, value in app.query_params.items()}
    assert address["run"] == run_id
    again = visit("Train", **address)
    assert "Find a better rate." in words(again, "info")
    healthy(again.button(key="another").click().run())
    assert labelled(again.number_input, "Learning rate").value == 0.25, "the form has the link's settings"
    again.query_params.clear()
    again.query_params["run"] = run_id
    assert "Find a better rate." in words(healthy(again.run()), "info")


def test_locked_settings_are_shown_and_stay(visit, store):
    app = visit("Train", config=json.dumps(CONFIG), lock="all")
    assert "Epochs: **2**" in words(app)
    assert labels_of(app.number_input) == ["Your prediction: test accuracy in %"]
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings == RunConfig.parse(CONFIG)


def test_locked_values_stay_the_links_whatever_the_reader_brings(visit, store, finish):
    """By the menu, by a recipe's link, and by another run's settings."""
    app = visit("Train", config=json.dumps(CONFIG), lock="all", open="seed")
    for link in ({}, {"recipe": "cnn-fast"}):
        app.switch_page("pages/2_Train.py")
        app.query_params.clear()
        for name, value in link.items():
            app.query_params[name] = value
        healthy(app.run())
        assert "Epochs: **2**" in words(app)
    app.query_params["run"] = finish()
    healthy(app.run())
    healthy(app.button(key="again").click().run())
    seed = next(number for number in app.number_input if number.label == "Seed")
    seed.set_value(9).run()
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings == RunConfig.parse(CONFIG).replace({"seed": 9})


def test_a_recipe_with_locks_holds_its_values(visit, store):
    app = visit("Train", recipe="mlp-100-64-32", lock="all")
    assert json.loads(app.query_params["config"][0] if isinstance(app.query_params["config"], list)
                      else app.query_params["config"])  # fmt: skip
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings == RECIPES["mlp-100-64-32"].config


def test_a_locked_value_is_that_of_the_link_in_another_kind_of_network_too(visit, store):
    config = {"architecture": {"name": "mlp", "activation": "tanh"}}
    app = visit("Train", config=json.dumps(config), lock="architecture.activation")
    kind = next(box for box in app.selectbox if box.label == "Architecture")
    healthy(kind.set_value("cnn").run())
    assert "tanh" in words(app)
    healthy(app.button(key="train").click().run())
    assert store.list()[0].settings.architecture.activation == "tanh"
    assert store.list()[0].settings.architecture.name == "cnn"


def test_a_hostile_link_is_one_sentence_above_a_working_form(visit):
    app = visit("Train", config='{"training": {"epochs": -1}}', lock="all")
    assert_friendly(app.error[0].value, "link", "epochs")
    assert not app.button(key="train").disabled


def test_what_was_written_stays_while_the_form_is_not_right(visit):
    app = opened(visit("Train"), "share")
    app.number_input(key="expected").set_value(96.5)
    app.text_area(key="share-task").set_value("Find a better rate.")
    app.multiselect(key="share-lock").set_value(["optimizer.learning_rate"]).run()
    made = Lesson(app.session_state["draft"], "Find a better rate.", frozenset({"optimizer.learning_rate"})).link()
    assert made in [code.value for code in app.code]
    held_out = labelled(app.number_input, "Held out for validation")
    usual = held_out.value
    labelled(app.number_input, "Early stopping").set_value(2)
    healthy(held_out.set_value(0.0).run())
    assert app.error and app.button(key="train").disabled
    assert "The link comes when the settings are right again" in words(app) and not app.code
    labelled(app.number_input, "Early stopping").set_value(0)
    healthy(labelled(app.number_input, "Held out for validation").set_value(usual).run())
    assert app.number_input(key="expected").value == 96.5
    assert made in [code.value for code in app.code]


def test_a_prediction_is_kept_with_the_run(visit, store):
    app = visit("Train")
    app.number_input(key="expected").set_value(99.25).run()
    healthy(app.button(key="train").click().run())
    (run,) = store.list()
    assert expected(store.database, run.id) == 0.9925
    assert "The prediction: 99.25%" in words(visit("Train", run=run.id))


def test_afterwards_it_is_compared_and_explained(visit, finish, store):
    run_id = finish(config=RunConfig.parse({"data": {"scaled": False}}))
    expect(store.database, run_id, 0.5)
    app = visit("Train", run=run_id)
    assert "points more" in words(app)
    assert any("Unscaled pixels" in warning.value for warning in app.warning)


def test_a_prediction_of_a_run_that_failed_is_still_there_and_explained(visit, fail, store):
    run_id = fail(message="The loss became infinite or not a number at step 7: the weights have run away.")
    assert "The prediction" not in words(visit("Train", run=run_id))
    expect(store.database, run_id, 0.96)
    app = visit("Train", run=run_id)
    assert "The prediction: 96% on the test set, which this run did not come to." in words(app, "caption")
    assert "Learning rate too high" in words(app, "warning")


def test_a_healthy_run_is_said_to_be_so(visit, finish, store):
    run_id = finish()
    rows = [row | {"accuracy": 0.97, "val_accuracy": 0.965} for row in curves(5)]
    store.record(run_id, {}, epoch_rows=rows)
    assert "Nothing conspicuous" in words(visit("Train", run=run_id))
