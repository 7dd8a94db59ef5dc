"""The Explore page: questions, fair experiments, free design, and a sweep from its link."""

import re

import pytest

from mnist_core.explore.pictures import PICTURES
from mnist_core.explore.questions import QUESTIONS
from mnist_core.explore.size import UNITS
from mnist_core.store.sweeps import SweepStore
from mnist_core.ui import sweep_view
from tests.helpers import assert_friendly
from tests.pages.conftest import curves, healthy, labelled, open_part, words

RATE = "optimizer.learning_rate"


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_is_one_click_from_its_sweep(visit, sweeps, name):
    app = visit("Explore")
    healthy(app.button(key=f"ask-{name}").click().run())
    (sweep,) = sweeps.list()
    assert app.query_params["sweep"] in (sweep.id, [sweep.id])
    assert (sweep.question, sweep.status) == (name, "running")
    assert QUESTIONS[name].look in words(app)
    assert "0 of" in app.get("progress")[0].proto.text


@pytest.mark.parametrize(
    "part, start", [("Questions", "ask-data"), ("One change", "start-fair"), ("Own design", "start-sweep")]
)
def test_what_a_search_will_reach_can_be_foretold(visit, sweeps, part, start):
    app = visit("Explore")
    if part != "Questions":
        app = open_part(app, part)
    app.number_input(key="expected-best").set_value(97.5)
    app = healthy(app.button(key=start).click().run())
    (sweep,) = sweeps.list()
    assert sweep.expected == 0.975
    assert "The prediction: the best trial reads 97.5% of the held-out digits." in words(app, "caption")


def test_what_was_foretold_is_compared_with_the_best_trial_at_the_end(visit, searched, sweeps, store):
    sweep_id = searched(4, objective="loss")
    best = min(sweeps.trials(sweep_id), key=lambda trial: trial.value)
    reached = store.epochs(best.run_id)[-1]["val_accuracy"]
    assert "The prediction" not in words(visit("Explore", sweep=sweep_id))
    sweeps.update(sweep_id, expected=reached + 0.1)
    found = words(visit("Explore", sweep=sweep_id), "info")
    assert f"it is {reached:.2%}: 10.0 points less" in found
    sweeps.update(sweep_id, status="running", ended=None)
    app = visit("Explore", sweep=sweep_id)
    assert "points less" not in words(app, "info") and "No trial is left" not in words(app, "caption")
    sweeps.update(sweep_id, status="finished", ended=2e9)
    for trial in sweeps.trials(sweep_id):
        store.delete(trial.run_id)
    assert "No trial is left" in words(visit("Explore", sweep=sweep_id), "caption")


def test_a_link_to_a_question_puts_it_first(visit):
    app = visit("Explore", question="dropout")
    assert next(b.key for b in app.button if (b.key or "").startswith("ask-")) == "ask-dropout"
    assert_friendly(visit("Explore", question="<b>").error[0].value, "learning-rate")


def test_an_unknown_sweep_has_its_sentence(visit):
    assert_friendly(visit("Explore", sweep="deadbeef<script>").error[0].value, "no sweep")


@pytest.mark.parametrize("objective", ["accuracy", "accuracy and parameters", "loss and seconds"])
def test_every_picture_of_a_sweep(visit, searched, objective):
    sweep_id = searched(12, objective=objective)
    app = visit("Explore", sweep=sweep_id)
    options = app.selectbox(key="picture").options
    assert ("Pareto front" in options) == (objective != "accuracy")
    assert len(options) >= len(PICTURES) - 1
    for kind in [kind for kind, title in PICTURES.items() if title in options]:
        healthy(app.selectbox(key="picture").set_value(kind).run())
        assert app.selectbox(key="picture").value == kind
    assert f"Best held-out {objective.partition(' ')[0]}" in words(app)


def test_a_sweep_without_a_trial_is_drawn_too(visit, sweeps):
    sweep_id = sweeps.create(QUESTIONS["learning-rate"].design)
    assert "first completed trial" in words(visit("Explore", sweep=sweep_id))


def test_while_it_runs_it_says_how_far_it_is_and_how_long_it_takes(visit, searched, sweeps):
    sweep_id = searched(4, status="running")
    sweeps.update(sweep_id, trials=8)
    app = visit("Explore", sweep=sweep_id)
    assert app.get("progress")[0].proto.value == 50
    assert re.search(r"4 of 8 trials · about [\d ]+s left", app.get("progress")[0].proto.text)
    assert "Best held-out accuracy" in words(app)


def test_a_trial_that_somebody_paused_is_told(visit, searched, sweeps, store):
    sweep_id = searched(4, status="running")
    trial = sweeps.trials(sweep_id)[-1]
    sweeps.update_trial(trial, state="running")
    store.record(trial.run_id, {"status": "paused"})
    app = visit("Explore", sweep=sweep_id)
    assert f"Trial {trial.number} is paused" in words(app, "warning")
    assert app.button(key=f"paused-{trial.run_id}").label == "Show its run"
    assert "3 of 4 trials · waits for what is paused" in app.get("progress")[0].proto.text
    sweeps.update_trial(sweeps.trials(sweep_id)[0], state="running")
    assert "paused" not in visit("Explore", sweep=sweep_id).get("progress")[0].proto.text


def test_stop_continue_and_the_way_to_compare(visit, searched, sweeps):
    sweep_id = searched(4, status="running")
    app = visit("Explore", sweep=sweep_id)
    healthy(labelled(app.button, "Stop").click().run())
    assert sweeps.get(sweep_id).wish == "stop"
    assert app.get("progress")[0].proto.text == "4 of 4 trials · is being stopped"
    sweeps.update(sweep_id, status="stopped", wish="", ended=2e9)
    app = visit("Explore", sweep=sweep_id)
    app.number_input(key="more").set_value(5)
    healthy(labelled(app.button, "Continue").click().run())
    sweep = sweeps.get(sweep_id)
    assert (sweep.status, sweep.trials) == ("running", 9)


def test_a_search_that_its_time_limit_ended_says_so(visit, searched, sweeps):
    sweep_id = searched(4)
    sweeps.update(sweep_id, message="The time limit of 60 seconds was reached.")
    app = visit("Explore", sweep=sweep_id)
    assert "The time limit of 60 seconds" in words(app, "info")
    assert "time limit" not in words(app, "error")


def test_one_run_is_scored_and_then_no_other(visit, searched, sweeps, store):
    sweep_id = searched(4)
    best = max(sweeps.trials(sweep_id), key=lambda trial: trial.value)
    app = visit("Explore", sweep=sweep_id)
    assert "learn the test set by heart" in words(app)
    first = app.selectbox(key="to-score").options[0]
    assert first.startswith(f"no. {best.number}: held-out accuracy {best.value:.2%}, with learning rate")
    healthy(app.button(key="score").click().run())
    assert sweeps.get(sweep_id).chosen == best.run_id
    assert store.queue() == [best.run_id]
    assert "being scored" in words(app)
    assert "score" not in [button.key for button in app.button]


def test_the_page_rests_when_the_chosen_run_was_scored(visit, searched, monkeypatch):
    """The run ends between the page and its first look at the sweep, whose own status stays as it was."""
    sweep_id, moving = searched(4), [True, False, False, False]
    monkeypatch.setattr(sweep_view, "_moving", lambda lab, sweep: moving.pop(0))
    visit("Explore", sweep=sweep_id)
    assert moving == [], "the whole page was drawn anew, at rest"


def test_curves_are_drawn_once_for_a_state_and_metric(visit, searched, sweeps, store, monkeypatch):
    read, epochs = [], SweepStore.epochs
    monkeypatch.setattr(SweepStore, "epochs", lambda self, sweep_id: read.append(sweep_id) or epochs(self, sweep_id))
    sweep_id = searched(4, f"{UNITS}=16|64", "seed=1|2", sampler="grid")
    app = visit("Explore", sweep=sweep_id)
    app.selectbox(key="picture").set_value("curves").run()
    assert len(read) == 1
    healthy(app.run())
    assert len(read) == 1
    healthy(app.selectbox(key="what").set_value("loss").run())
    assert len(read) == 2
    run_id = sweeps.trials(sweep_id)[0].run_id
    store.record(run_id, {"epoch": 4}, epoch_rows=curves(4)[3:])
    healthy(app.run())
    assert len(read) == 3


def test_a_chosen_run_that_was_not_scored_can_be_chosen_anew(visit, searched, sweeps, store):
    sweep_id = searched(4)
    chosen = sweeps.trials(sweep_id)[0].run_id
    sweeps.choose(sweep_id, chosen)
    store.record(chosen, {"status": "failed", "message": "No memory."})
    app = visit("Explore", sweep=sweep_id)
    assert "was not scored" in words(app, "warning")
    healthy(app.selectbox(key="to-score").set_value(chosen).run())
    healthy(app.button(key="score").click().run())
    assert store.queue() == [chosen]
    assert "being scored" in words(app)


def test_a_grid_that_was_stopped_offers_what_is_missing(visit, searched, sweeps):
    sweep_id = searched(6, f"{UNITS}=16|64", "seed=1|2|3", sampler="grid", status="stopped")
    assert "continue" not in [button.key for button in visit("Explore", sweep=sweep_id).button]
    for trial in sweeps.trials(sweep_id)[:2]:
        sweeps.update_trial(trial, state="stopped")
    app = visit("Explore", sweep=sweep_id)
    assert app.number_input(key="more").value == 2
    healthy(app.button(key="continue").click().run())
    assert (sweeps.get(sweep_id).status, sweeps.get(sweep_id).trials) == ("running", 8)


def test_losses_that_are_not_one_measure_are_told(visit, searched):
    """Above all pictures where losses are sought, and else beside their curves alone."""
    over = "architecture.l2=0.0|0.01"
    assert "not one measure" in words(visit("Explore", sweep=searched(4, over, objective="loss")), "warning")
    app = visit("Explore", sweep=searched(4, over))
    app = healthy(app.selectbox(key="picture").set_value("curves").run())
    assert "not one measure" not in words(app, "warning")
    assert "not one measure" in words(healthy(app.selectbox(key="what").set_value("loss").run()), "warning")


@pytest.mark.parametrize("objective", ["accuracy", "loss"])
def test_pictures_of_no_digit_are_told_beside_curves_of_training_losses(visit, searched, objective):
    app = visit("Explore", sweep=searched(4, "data.not_digits=0|5000", objective=objective))
    app = healthy(app.selectbox(key="picture").set_value("curves").run())
    healthy(app.selectbox(key="what").set_value("val_loss").run())
    assert "not one measure" not in words(app, "warning")
    assert "a picture that is no digit" in words(healthy(app.selectbox(key="what").set_value("loss").run()), "warning")


def test_a_question_opens_on_its_picture_before_the_first_trial(visit, sweeps):
    for name, card in QUESTIONS.items():
        sweep_id = sweeps.create(card.design, card.title, name)
        assert visit("Explore", sweep=sweep_id).selectbox(key="picture").value == card.picture


def test_trials_are_on_no_other_page(visit, searched, finish, sweeps):
    sweep_id, own = searched(9), finish("a run of its own")
    trial = sweeps.trials(sweep_id)[0].run_id
    app = visit("Draw", run=trial)
    assert "trial of a sweep" in words(app, "info")
    assert [name.split(" · ")[0] for name in labelled(app.multiselect, "Networks that read it").options] == [
        "a run of its own",
        "Flagship",
    ]
    assert len(visit("Compare").multiselect(key="compare").options) == 1
    app = visit("Home")
    assert [b.key for b in app.button if (b.key or "").startswith("open-")] == [f"open-{own}", "open-sweep"]
    healthy(app.button(key="open-sweep").click().run())
    assert app.title[0].value == "Explore"


def test_trials_are_on_the_runs_page_when_asked_for(visit, searched, finish):
    searched(4)
    finish("a run of its own")
    app = visit("Runs")
    assert app.dataframe[0].value["name"].tolist() == ["a run of its own"]
    healthy(app.toggle(key="trials").set_value(True).run())
    assert len(app.dataframe[0].value) == 5


def test_a_sweep_that_somebody_continues_meanwhile_is_not_deleted(visit, searched, sweeps):
    sweep_id = searched(2)
    app = open_part(visit("Explore"), "Earlier")
    button = app.button(key=f"delete-{sweep_id}")
    sweeps.go_on(sweep_id, 1)
    healthy(button.click().run())
    assert [sweep.id for sweep in sweeps.list()] == [sweep_id]


def test_earlier_sweeps_are_opened_and_deleted(visit, searched, sweeps, store):
    sweep_id = searched(2)
    app = open_part(visit("Explore"), "Earlier")
    assert "my sweep" in words(app)
    healthy(app.button(key=f"delete-{sweep_id}").click().run())
    assert sweeps.list() == []
    assert store.list() == []
