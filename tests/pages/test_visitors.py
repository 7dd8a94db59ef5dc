"""Visitors on pages: a name that can be changed, runs of others that cannot, and a teacher who may."""

from types import SimpleNamespace

import numpy as np
import pytest
from streamlit import config
from streamlit.runtime.secrets import secrets_singleton

from mnist_core.config import RunConfig
from mnist_core.explore.questions import QUESTIONS
from mnist_core.store.sweeps import SweepStore
from mnist_core.store.visitors import VisitorStore
from mnist_core.visitors import given_name, visitor_id
from tests.pages.conftest import healthy, labelled, labels_of, trained, words

SECRETS = {"anna": "a" * 32, "ben": "b" * 32}
ANNA, BEN = (visitor_id("cookie", secret) for secret in SECRETS.values())
PIN = "471100"


@pytest.fixture
def as_visitor(visit):
    """Opens a page as a browser does that has this visitor's cookie."""
    return lambda name, title="Home", **link: visit(title, secret=SECRETS[name], **link)


def enter_pin(app, pin):
    labelled(app.text_input, "The teacher's PIN").input(pin)
    return healthy(labelled(app.button, "I am the teacher").click().run())


def test_two_visitors_are_two_and_their_secrets_stand_nowhere(visit, store):
    for _ in range(2):
        visit("Home")
    with store.database.read() as connection:
        kept = [row.id for row in connection.exec_driver_sql("SELECT id FROM visitors")]
    assert len(set(kept)) == 2


def test_a_name_can_be_changed_and_stays(as_visitor, store):
    app = as_visitor("anna")
    assert labelled(app.text_input, "Your name here").value == given_name(ANNA)
    labelled(app.text_input, "Your name here").input("Anna :red[*K*]")
    healthy(labelled(app.button, "Keep this name").click().run())
    assert labelled(as_visitor("anna", "Data").text_input, "Your name here").value == "Anna :red[*K*]"
    assert labelled(as_visitor("ben").text_input, "Your name here").value == given_name(BEN)


def test_an_empty_name_is_refused(as_visitor):
    app = as_visitor("anna")
    labelled(app.text_input, "Your name here").input("  ")
    assert "must not be empty" in words(labelled(app.button, "Keep this name").click().run(), "error")


def test_a_run_is_its_visitors(as_visitor, store):
    run = trained(as_visitor("anna", "Train"), store)
    assert run.owner == ANNA
    assert {"Cancel"} <= set(labels_of(as_visitor("anna", "Train", run=run.id).button))
    app = as_visitor("ben", "Train", run=run.id)
    assert not {"Cancel", "Pause", "Resume", "Stop"} & set(labels_of(app.button))
    assert f"belongs to {given_name(ANNA)}" in words(app)


def test_a_page_that_was_open_before_cannot_either(as_visitor, store):
    """What counts is who asks, and not which buttons their page still shows."""
    run_id = store.create(RunConfig())  # a command's, which everybody may stop
    app = as_visitor("ben", "Train", run=run_id)
    with store.database.write() as connection:
        connection.exec_driver_sql(f"UPDATE runs SET owner = '{ANNA}'")
    app = healthy(labelled(app.button, "Cancel").click().run())
    assert store.get(run_id).status == "queued"


def test_own_runs_come_first_and_the_others_are_told_apart(as_visitor, store):
    store.create(RunConfig(), "by anna", owner=ANNA)
    store.create(RunConfig(), "by ben", owner=BEN)
    VisitorStore(store.database).rename(BEN, "Ben")
    table = as_visitor("anna", "Runs").dataframe[0].value
    assert list(table["name"]) == ["by anna", "by ben"]
    assert list(table["whose"]) == ["you", "Ben"]
    home = words(as_visitor("anna"), "markdown")
    assert home.index("by anna") < home.index("by ben") and "Ben" in home
    alone = as_visitor("anna", "Runs")
    store.delete(store.list(first=BEN)[0].id)
    assert "whose" not in alone.run().dataframe[0].value.columns


def test_a_sweep_is_its_visitors(as_visitor, store):
    sweeps = SweepStore(store.database)
    sweep_id = sweeps.create(QUESTIONS["learning-rate"].design, "anna's", owner=ANNA)
    assert "Stop" in labels_of(as_visitor("anna", "Explore", sweep=sweep_id).button)
    app = as_visitor("ben", "Explore", sweep=sweep_id)
    assert "Stop" not in labels_of(app.button) and given_name(ANNA) in words(app)


def test_the_teacher_may_by_pin_and_it_stays_for_this_browser(as_visitor, store, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_TEACHER_PIN", PIN)
    run_id = store.create(RunConfig(), "by anna", owner=ANNA)
    app = as_visitor("ben", "Train", run=run_id)
    assert "Cancel" not in labels_of(app.button)
    app = enter_pin(app, PIN)
    assert "Cancel" in labels_of(app.button)
    app = as_visitor("ben", "Train", run=run_id)
    labelled(app.button, "Cancel").click().run()
    assert store.get(run_id).status == "cancelled"
    app = healthy(labelled(app.button, "Leave the teacher's role").click().run())
    assert labelled(app.text_input, "The teacher's PIN")


def test_the_teachers_role_that_was_left_in_one_tab_is_left_in_all(as_visitor, store, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_TEACHER_PIN", PIN)
    run_id = store.create(RunConfig(), "by anna", owner=ANNA)
    one = enter_pin(as_visitor("ben"), PIN)
    other = as_visitor("ben", "Train", run=run_id)
    labelled(one.button, "Leave the teacher's role").click().run()
    app = healthy(labelled(other.button, "Cancel").click().run())
    assert store.get(run_id).status == "queued" and given_name(ANNA) in words(app, "error")


def test_a_wrong_pin_is_refused_and_cannot_be_tried_for_long(as_visitor, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_TEACHER_PIN", PIN)
    app = as_visitor("ben")
    for _ in range(5):
        assert "not the teacher's PIN" in words(enter_pin(app, "000000"), "error")
    assert "Too many PINs" in words(enter_pin(app, PIN), "error")
    assert "I am the teacher" in labels_of(app.button)


def test_without_a_pin_nobody_is_asked_for_one(as_visitor):
    assert "The teacher's PIN" not in labels_of(as_visitor("anna").text_input)


def test_who_is_one_too_many_is_told_and_sees_nothing_else(as_visitor, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_VISITORS", "1")
    as_visitor("anna")
    assert "MNIST_LAB_VISITORS" in words(app := as_visitor("ben", "Train"), "error")
    assert "Train" not in labels_of(app.button)
    assert not as_visitor("anna").error


def test_a_limit_on_the_train_page_is_one_sentence_and_the_form_stays(as_visitor, store, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_PARAMETERS", "10")
    app = healthy(labelled(as_visitor("anna", "Train").button, "Train").click().run())
    assert "MNIST_LAB_PARAMETERS" in words(app, "error")
    assert store.list() == [] and labelled(app.button, "Train")


def test_the_queue_tells_place_and_start_and_a_waiting_run_can_be_taken_back(as_visitor, store):
    ids = [store.create(RunConfig(seed=i), f"anna {i}", owner=ANNA) for i in range(3)]
    ben = store.create(RunConfig(), "ben's", owner=BEN)
    app = as_visitor("ben", "Runs")
    lines = [line for line in words(app, "markdown").splitlines() if "begins" in line]
    assert [line.split("·")[0].strip() for line in lines] == [
        "**1.** anna 0", "**2.** ben's", "**3.** anna 1", "**4.** anna 2"
    ]  # fmt: skip
    assert "at any moment" in lines[0] and "in about" in lines[1]
    assert labels_of(app.button).count("Cancel") == 1
    healthy(labelled(app.button, "Cancel").click().run())
    assert store.get(ben).status == "cancelled"
    assert {store.get(run_id).status for run_id in ids} == {"queued"}
    home = as_visitor("anna")
    assert labels_of(home.button).count("Cancel") == 3


def test_the_page_of_a_waiting_run_tells_its_place(as_visitor, store):
    store.create(RunConfig(seed=1), owner=ANNA)
    last = store.create(RunConfig(seed=2), owner=ANNA)
    (bar,) = as_visitor("anna", "Train", run=last).get("progress")
    assert "place 2 of 2 in the queue, begins in about" in bar.proto.text


@pytest.fixture
def arriving(monkeypatch):
    """Has a connection come with these headers and cookies, or with this sign-in."""

    def arriving(headers=(), cookies=None, user=None):
        context = SimpleNamespace(headers=list(headers), cookies=cookies or {})
        monkeypatch.setattr("streamlit.runtime.context._get_client_context", lambda: context)
        monkeypatch.setattr("streamlit.user_info._get_user_info", lambda: dict(user or {}))

    return arriving


def me(app):
    return app.session_state["visitor"]


def test_a_browsers_cookie_is_its_visitor(visit, arriving):
    arriving(cookies={"mnist_lab_visitor": SECRETS["anna"]})
    assert me(visit("Home")).id == ANNA
    arriving(cookies={"mnist_lab_visitor": "<script>"})
    assert me(visit("Home")).id != ANNA


def test_a_proxys_header_counts_only_when_it_was_set_up(visit, arriving, monkeypatch):
    arriving([("X-Forwarded-User", "anna@school.example")], {"mnist_lab_visitor": SECRETS["ben"]})
    assert me(visit("Home")).id == BEN
    monkeypatch.setenv("MNIST_LAB_USER_HEADER", "X-Forwarded-User")
    found = me(visit("Home"))
    assert (found.id, found.name) == (visitor_id("proxy", "anna@school.example"), "anna")
    arriving([], {"mnist_lab_visitor": SECRETS["ben"]})
    assert me(visit("Home")).id == BEN


def test_who_has_signed_in_is_the_same_in_every_browser(visit, arriving, store):
    anna = {"is_logged_in": True, "iss": "https://id.example", "sub": "17", "name": "Anna K"}
    found = set()
    for secret in SECRETS.values():
        arriving(cookies={"mnist_lab_visitor": secret}, user=anna)
        app = visit("Home")
        found.add((me(app).id, me(app).name))
        assert "Sign out" in labels_of(app.button)
    assert found == {(visitor_id("sign-in", "https://id.example 17"), "Anna K")}
    id = visitor_id("sign-in", "https://id.example 17")
    assert VisitorStore(store.database).names([id]) == {id: "Anna K"}, "others know her by that name, too"
    arriving(cookies={"mnist_lab_visitor": SECRETS["ben"]}, user={"is_logged_in": False})
    app = visit("Home")
    assert me(app).id == BEN and "Sign in" in labels_of(app.button)
    arriving(cookies={"mnist_lab_visitor": SECRETS["ben"]})
    assert "Sign in" not in labels_of(visit("Home").button), "where no sign-in is set up, nobody is asked for one"


def test_a_sign_in_that_cannot_work_is_told_and_the_page_stays(visit, arriving, monkeypatch, tmp_path):
    arriving(user={"is_logged_in": False})
    secrets = tmp_path / "secrets.toml"
    monkeypatch.setattr("mnist_core.sign_in.FILES", (secrets,))
    # As where Streamlit was told of other files: then its own word is told, when somebody tries.
    app = healthy(labelled(visit("Home").button, "Sign in").click().run())
    assert "Nobody can sign in" in words(app, "error") and app.title[0].value == "MNIST Lab"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[auth]\n", "cookie_secret"),
        (b"[auth\n", "secrets.toml cannot be read"),
        ("[auth]\ncookie_secret = 'Schlüssel'".encode("latin-1"), "secrets.toml cannot be read"),
    ],
    ids=["without keys", "no TOML", "no text"],
)
def test_a_sign_in_that_cannot_work_is_told_also_where_streamlit_sees_none(visit, monkeypatch, tmp_path, content, told):
    secrets = tmp_path / "secrets.toml"
    secrets.write_bytes(content)
    monkeypatch.setattr("mnist_core.sign_in.FILES", (secrets,))
    get = config.get_option
    monkeypatch.setattr(config, "get_option", lambda key: [str(secrets)] if key == "secrets.files" else get(key))
    secrets_singleton._reset()
    app = healthy(visit("Home"))
    secrets_singleton._reset()
    assert "Sign in" not in labels_of(app.button) and told in words(app, "warning")


def test_answers_have_a_rate(as_visitor, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_PREDICTIONS_PER_MINUTE", "1")
    monkeypatch.setattr("mnist_core.engine.client.EngineClient.predict", lambda *_: np.full((1, 10), 0.1, np.float32))
    app = as_visitor("anna", "Draw")
    app.segmented_control(key="source").set_value("a test image")
    assert "MNIST_LAB_PREDICTIONS_PER_MINUTE" not in words(healthy(app.run()), "error")
    app.number_input(key="test-image").set_value(1)
    assert "MNIST_LAB_PREDICTIONS_PER_MINUTE" in words(healthy(app.run()), "error")


def test_without_a_worker_that_trains_nothing_begins_at_any_moment(as_visitor, store, lease):
    lease.renew("ready", "tcp://10.0.0.1:8786", [])
    run_id = store.create(RunConfig(), owner=ANNA)
    assert "as soon as there is a worker that trains" in words(as_visitor("anna", "Runs"), "markdown")
    (bar,) = as_visitor("anna", "Train", run=run_id).get("progress")
    assert "place 1 of 1 in the queue, begins as soon as" in bar.proto.text
