"""Attacks on the pages: links, uploads and forms, and what is deleted while a page is drawn."""

import os
import threading
from contextlib import ExitStack, contextmanager, suppress
from unittest.mock import patch

import numpy as np
from hypothesis import strategies as st
from streamlit.testing.v1 import AppTest

from mnist_core.engine.client import EngineClient
from mnist_core.errors import StoreError
from mnist_core.models.archive import unpack
from mnist_core.models.vetting import vet
from mnist_core.store.lease import Lease
from tests.helpers import ROOT
from tests.hostile import files, inputs
from tests.hostile.core import QUESTION, told
from tests.hostile.target import Attack, Harm, vanishing
from tests.pages.conftest import HOME, PAGES, healthy, labelled

BEAT_SECONDS = 5

ACTIVE = ("<script", "<iframe", "onerror=")
"""What a browser would run, if it stood in a page as HTML."""


@contextmanager
def served(at):
    """Pages of this target in this process. Its workers are played: they vet files, and answer every drawing alike."""
    lease = Lease(at.store.database)
    with ExitStack() as stack:
        # Every try is another visitor, and they come faster than a class does.
        environment = {"MNIST_LAB_HOME": str(at.home), "MNIST_LAB_DATABASE": "", "MNIST_LAB_VISITORS": "0"}
        stack.enter_context(patch.dict(os.environ, environment))
        stack.enter_context(patch.object(EngineClient, "predict", lambda self, run_id, images: _even(images)))
        stack.enter_context(patch.object(EngineClient, "add_upload", _refuse_or_keep))
        lease.take()
        stack.callback(lease.release)
        stack.enter_context(_beating(lease))
        yield


@contextmanager
def _beating(lease):
    """Renews the lease as an engine does: one that gives no sign of life for two minutes is replaced by another."""
    workers, over = [{"name": "train-0", "kind": "train", "device": "Test processor", "ready": True}], threading.Event()

    def beat():
        while not over.wait(BEAT_SECONDS):
            with suppress(StoreError):
                lease.renew("ready", "", workers)

    lease.renew("ready", "", workers)
    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _even(images):
    return np.full((len(images), 10), 0.1, np.float32)


def _refuse_or_keep(self, upload, *name_and_owner):
    """What a worker does first with an upload."""
    self._require_size(upload)
    config, _ = unpack(upload)
    vet(config)
    return "kept"


def visit(title, link):
    app = AppTest.from_file(str(ROOT / HOME), default_timeout=120)
    if title != "Home":
        app.switch_page(PAGES[title])
    for name, value in link.items():
        app.query_params[name] = value
    return app


def sound(app):
    """Fails when the page failed, or when it shows as HTML what a visitor wrote."""
    healthy(app)
    for element in app.get("html"):
        if any(sign in element.proto.body.lower() for sign in ACTIVE):
            raise Harm(f"a visitor's HTML is in the page: {element.proto.body[:200]}")
    for element in (*app.markdown, *app.caption):
        if element.allow_html:
            raise Harm("a page shows Markdown with HTML in it")
    return app


def sent(text):
    """What of a text a browser can send at all."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode()


titles = st.sampled_from(list(PAGES))
_linked = st.fixed_dictionaries({}, optional=dict.fromkeys(("run", "runs", "sweep", "recipe"), inputs.short_texts))


def try_links(at, asked):
    title, others, lesson = asked
    sound(visit(title, {name: sent(at.place(text)) for name, text in (others | lesson).items()}).run())


def try_names(at, asked):
    """Every page shows names, notes and messages of runs, which visitors wrote."""
    title, name, note = asked
    run_id = at.waiting(at.place(name))
    columns = {"status": "finished", "ended": 9.0, "test_accuracy": 0.9, "test_loss": 0.5, "message": "x"}
    probabilities = at.store.load_blob(at.kept, "test_probabilities")
    at.store.record(run_id, columns, files={"test_probabilities": probabilities}, event=at.place(note))
    at.store.annotate(run_id, at.place(note))
    try:
        sound(visit(title, {"run": run_id, "runs": f"{run_id},{at.kept}"}).run())
    finally:
        at.store.delete(run_id)


def try_photo(at, data):
    app = visit("Draw", {}).run()
    labelled(app.segmented_control, "Read").set_value("a photo").run()
    app.file_uploader[0].set_value(("photo.png", data, "image/png")).run()
    sound(app)


def try_model(at, chosen):
    app = visit("Runs", {}).run()
    for name, data in chosen:
        # Streamlit itself refuses other endings and names that are none, before a page runs.
        app.get("file_uploader")[0].upload(sent(at.place(name)) + ".keras", data, "application/zip")
    sound(labelled(app.button, "Check and add it").click().run())


def try_edit(at, words):
    run_id = at.waiting("to be edited")
    app = visit("Runs", {}).run()
    app.session_state["chosen-runs"] = [run_id]
    app.run()
    name, note = (sent(at.place(text)) for text in words)
    labelled(app.text_input, "Name").set_value(name)
    labelled(app.text_area, "Note").set_value(note)
    sound(labelled(app.button, "Save").click().run())
    told(at.store.delete, run_id)


def try_deleted_run(at, asked):
    """A run is deleted by somebody else while a page of it is drawn."""
    title, access = asked
    run_id = at.waiting()
    with vanishing(at, lambda store: told(store.delete, run_id), access):
        sound(visit(title, {"run": run_id, "runs": f"{run_id},{at.kept}"}).run())
    told(at.store.delete, run_id)


def try_deleted_sweep(at, access):
    sweep_id = at.sweeps.create(QUESTION.design, "to be deleted")
    first = {dimension.key: dimension.grid()[0] for dimension in QUESTION.design.space}
    at.sweeps.add_trial(sweep_id, 0, first, QUESTION.design.configure(first), "a trial")
    at.sweeps.update(sweep_id, status="stopped")
    with vanishing(at, lambda _: told(at.sweeps.delete, sweep_id), access):
        sound(visit("Explore", {"sweep": sweep_id}).run())
    told(at.sweeps.delete, sweep_id)


_shown = tuple((title, *words) for title in ("Train", "Runs") for words in inputs.WORST_WORDS)

ATTACKS = (
    Attack("links to pages", st.tuples(titles, _linked, inputs.links), try_links),
    Attack("names on pages", st.tuples(titles, inputs.short_texts, inputs.texts), try_names, _shown),
    Attack("photos on Draw", files.pictures, try_photo, files.ONE_OF_EACH),
    Attack("model files on Runs", files.models, try_model, ([("model.keras", files.BOMB)],)),
    Attack("names and notes on Runs", st.tuples(inputs.texts, inputs.texts), try_edit, inputs.WORST_WORDS),
    Attack("runs deleted under a page", st.tuples(titles, st.integers(0, 25)), try_deleted_run),
    Attack("sweeps deleted under a page", st.integers(0, 25), try_deleted_sweep),
)
