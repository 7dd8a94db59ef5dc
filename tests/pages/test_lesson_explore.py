"""Explore and Compare by a teacher's link: a task, and controls that are locked or hidden with the link's values."""

import pytest

from mnist_core.config import RunConfig
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.questions import QUESTIONS, SMALL
from mnist_core.explore.space import Dimension
from mnist_core.store.sweeps import SweepStore
from tests.pages.conftest import curves, healthy, labelled, labels_of, opened, words

RATE, DROPOUT = "optimizer.learning_rate", "architecture.dropout"
TASK = "Which *rate* is best? <script>alert(1)</script>"

DESIGN = Design(
    RunConfig.parse(SMALL | {"seed": 7}),
    (Dimension.parse(f"{RATE}=log:0.001..0.1"), Dimension.parse(f"{DROPOUT}=0..0.5")),
    make_search({"sampler": "random", "trials": 7}),
)


@pytest.fixture
def sweeps(store):
    return SweepStore(store.database)


def lesson(design=DESIGN, **names):
    return Lesson(None, TASK, **{name: frozenset(keys.split()) for name, keys in names.items()}, design=design)


def started(app, sweeps):
    healthy(app.button(key="start-sweep").click().run())
    return sweeps.list()[0].design


def keys_of(app):
    kinds = ("selectbox", "multiselect", "text_input", "number_input", "button_group")
    return {getattr(element, "key", None) or "" for kind in kinds for element in app.main.get(kind)}


def test_a_locked_design_is_shown_and_cannot_be_changed(visit, sweeps):
    app = visit("Explore", **lesson(lock="all").parameters())
    assert r"\<script" in words(app, "info")
    assert not app.get("button_group")
    assert app.selectbox(key="design-locked").disabled
    varied = next(box for box in app.multiselect if box.label == "What varies")
    assert varied.disabled
    assert varied.value == [RATE, DROPOUT]
    assert [(box.value, box.disabled) for box in app.main.text_input] == [("log:0.001..0.1", True), ("0..0.5", True)]
    assert "Trials: **7**" in words(app)
    assert started(app, sweeps) == DESIGN


def test_what_is_open_can_be_changed_and_the_rest_keeps_the_links_values(visit, sweeps):
    app = visit("Explore", **lesson(lock="all", open=f"{RATE} sweep").parameters())
    rate, dropout = app.main.text_input
    assert (rate.disabled, dropout.disabled) == (False, True)
    healthy(rate.set_value("0.01|0.1").run())
    space = (Dimension.parse(f"{RATE}=0.01|0.1"), DESIGN.space[1])
    assert started(app, sweeps) == Design(DESIGN.base, space, DESIGN.search)
    assert not labelled(app.button, "Stop").disabled


def test_what_is_hidden_is_not_there_and_still_in_force(visit, sweeps):
    app = visit("Explore", **lesson(hide="all").parameters())
    assert not labels_of(app.main.text_input)
    assert {key for key in keys_of(app) if key} == {"expected-best"}, "a prediction is no setting"
    assert not any("searches" in box.label for box in app.expander)
    assert started(app, sweeps) == DESIGN
    assert "stop-sweep" not in [button.key for button in app.button]


def test_a_locked_setting_varies_as_in_the_link_or_not_at_all(visit, sweeps):
    app = visit("Explore", **lesson(lock=f"{RATE} training").parameters())
    assert app.selectbox(key="design-locked").disabled, "another start would bring other values"
    varied = next(box for box in app.multiselect if box.label == "What varies")
    assert varied.value == [DROPOUT]
    assert not {RATE, "training.epochs"} & set(varied.options)
    assert not any("(training." in option for option in varied.options)
    healthy(varied.set_value([]).run())
    assert [dimension.key for dimension in started(app, sweeps).space] == [RATE]


def test_locks_without_a_design_hold_what_the_form_begins_with(visit, sweeps):
    app = visit("Explore", lock="search", task="x")
    assert app.query_params["design"]
    found = started(app, sweeps)
    assert [dimension.key for dimension in found.space] == [RATE]
    assert found.search == make_search({})


def test_the_menu_is_no_way_around_a_lesson(visit, store):
    app = visit("Explore", **lesson(lock="all").parameters())
    app.switch_page("pages/1_Data.py")
    app.query_params.clear()
    healthy(app.run())
    app.switch_page("pages/7_Explore.py")
    healthy(app.run())
    assert "Your task" in words(app, "info")
    assert app.selectbox(key="design-locked").disabled
    assert "all" in app.query_params["lock"]


def test_a_locked_question_stands_alone(visit, sweeps):
    app = visit("Explore", question="dropout", hide="all", open="sweep.stop", task=TASK)
    asked = [button.key for button in app.button if (button.key or "").startswith("ask-")]
    assert asked == ["ask-dropout"]
    healthy(app.button(key="ask-dropout").click().run())
    assert "Your task" in words(app, "info")
    assert not labelled(app.button, "Stop").disabled
    healthy(app.button(key="back").click().run())
    assert [button.key for button in app.button if (button.key or "").startswith("ask-")] == asked


@pytest.fixture
def searched(sweeps, store):
    """A sweep of two completed trials that could go on."""
    sweep_id = sweeps.create(QUESTIONS["optimizers"].design, "optimizers")
    for number, rate in enumerate((0.01, 0.1)):
        values = {"optimizer.name": "sgd", RATE: rate}
        run_id = sweeps.add_trial(sweep_id, number, values, DESIGN.base.replace(values), f"trial {number}")
        store.mark_running(run_id)
        store.record(run_id, {"status": "finished", "epoch": 3}, epoch_rows=curves(3))
        sweeps.update_trial(sweeps.trials(sweep_id)[-1], state="complete", value=0.5 + rate, seconds=1.0)
    sweeps.update(sweep_id, status="stopped", ended=2e9)
    return sweep_id


BUTTONS = {"continue", "score"}


def test_a_sweep_is_locked_or_hidden(visit, searched, sweeps):
    free = visit("Explore", sweep=searched)
    assert not any(button.disabled for button in free.button if button.key in BUTTONS)
    assert Lesson().link(sweep=searched) in [code.value for code in opened(free, "share").code]
    locked = visit("Explore", sweep=searched, lock="all", task=TASK)
    assert "Your task" in words(locked, "info")
    assert {button.key for button in locked.button if button.disabled} == BUTTONS
    assert locked.number_input(key="more").disabled
    assert locked.selectbox(key="to-score").disabled
    assert "back" not in [button.key for button in locked.button]
    hidden = visit("Explore", sweep=searched, hide="sweep.score", open="parts")
    assert {button.key for button in hidden.button} & (BUTTONS | {"back"}) == {"continue", "back"}
    sweeps.update(searched, status="running", ended=None)
    assert labelled(visit("Explore", sweep=searched, lock="sweep").button, "Stop").disabled


def test_a_comparison_with_a_task_and_its_runs_locked(visit, finish):
    ids = ",".join((finish("one"), finish("two", RunConfig(seed=5))))
    app = visit("Compare", runs=ids, task=TASK)
    assert r"\<script" in words(app, "info")
    assert not app.multiselect(key="compare").disabled
    assert Lesson().link(runs=ids) in [code.value for code in opened(app, "share").code]
    app = visit("Compare", runs=ids, lock="runs")
    assert app.multiselect(key="compare").disabled
    assert ",".join(app.multiselect(key="compare").value) == ids
    app = visit("Compare", runs=ids, hide="all")
    assert "compare" not in keys_of(app)
    assert "On the test set" in words(app)
    assert not visit("Compare", lock="all").multiselect(key="compare").disabled, "there would be nothing to see"


@pytest.mark.parametrize("title", ["Train", "Explore", "Compare"])
def test_a_hostile_lesson_is_one_sentence_and_the_page_is_there(visit, title):
    app = visit(title, lock="<script>")
    assert len(app.error) == 1
    assert "lock" in app.error[0].value
    assert app.button or app.multiselect


def test_sharing_leaves_the_buttons_of_a_sweep_open_unless_told_otherwise(visit):
    app = opened(visit("Explore", **Lesson(design=DESIGN).parameters()), "share")
    healthy(app.multiselect(key="share-lock").set_value(["all"]).run())
    healthy(app.text_area(key="share-task").set_value("Try & see = 100 %").run())
    made = Lesson(None, "Try & see = 100 %", frozenset({"all"}), open=frozenset({"sweep.stop", "sweep.continue",
                  "sweep.score"}), design=DESIGN)  # fmt: skip
    assert made.link() in [code.value for code in app.code]
    app.session_state["share"] = False
    assert healthy(app.run()).text_area(key="share-task").value == made.task, "closed, it forgets"


def test_a_design_can_be_changed_after_its_start_within_its_locks(visit, sweeps):
    app = visit("Explore", **lesson(lock=DROPOUT).parameters())
    healthy(app.main.text_input[1].set_value("0.01|0.1").run())
    made = started(app, sweeps)
    assert "varies architecture.dropout=0..0.5, optimizer.learning_rate=0.01|0.1" in words(app).replace("\\", "")
    healthy(app.button(key="change").click().run())
    assert [(box.value, box.disabled) for box in app.main.text_input] == [("0..0.5", True), ("0.01|0.1", False)]
    assert "sweep" not in app.query_params and DROPOUT in app.query_params["lock"]
    assert started(app, sweeps) == made
    assert "change" not in [b.key for b in visit("Explore", sweep=app.query_params["sweep"], lock="all").button]


def test_a_ready_made_question_can_be_changed(visit, searched):
    app = visit("Explore", sweep=searched)
    healthy(app.button(key="change").click().run())
    assert [box.value for box in app.main.text_input] == ["sgd|rmsprop|adam|adamw", "log:0.0001..1"]


def test_the_way_back_from_a_changed_design_leads_to_the_questions(visit, searched, sweeps):
    app = visit("Explore", sweep=searched)
    healthy(app.button(key="change").click().run())
    healthy(app.main.text_input[1].set_value("0.01|0.1").run())
    made = started(app, sweeps)
    assert Design.parse(app.query_params["design"]) == made, "the address has the design that was started"
    healthy(app.button(key="back").click().run())
    assert app.button(key="ask-data") and "design" not in app.query_params


def test_the_task_stays_while_a_range_is_not_right(visit):
    app = opened(visit("Explore", **Lesson(design=DESIGN).parameters()), "share")
    app.text_area(key="share-task").set_value("Try.")
    healthy(app.multiselect(key="share-lock").set_value([RATE]).run())
    usual = app.main.text_input[0].value
    healthy(app.main.text_input[0].set_value("1..0").run())
    assert app.error and not app.code
    healthy(app.main.text_input[0].set_value(usual).run())
    made = Lesson(None, "Try.", frozenset({RATE}), open=frozenset({"sweep.stop", "sweep.continue", "sweep.score"}),
                  design=DESIGN)  # fmt: skip
    assert made.link() in [code.value for code in app.code]
