"""Models that come and go on the pages: formats to take home, the form for uploads, and runs that came in by it."""

import io
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.models.build import build
from mnist_core.models.uploaded import Uploaded
from mnist_core.recipes import recipe
from mnist_core.store.shipped import FLAGSHIP
from mnist_core.ui import files
from tests.helpers import assert_friendly
from tests.pages.conftest import healthy, labelled, labels_of, words
from tests.pages.test_runs import choose, listed
from tests.uploads import saved

LAYERS = [
    {"name": "left", "kind": "Conv2D", "input_shape": [28, 28, 1], "output_shape": [26, 26, 4], "inputs": ["image"]},
    {"name": "right", "kind": "Conv2D", "input_shape": [28, 28, 1], "output_shape": [26, 26, 4], "inputs": ["image"]},
    {"name": "both", "kind": "Add", "input_shape": [26, 26, 4], "output_shape": [26, 26, 4]}
    | {"inputs": ["left", "right"]},
    {"name": "flat", "kind": "Flatten", "input_shape": [26, 26, 4], "output_shape": [2704]},
    {"name": "last", "kind": "Dense", "input_shape": [2704], "output_shape": [10], "trainable": 27050}
    | {"arithmetic": "2704×10 + 10 = 27,050"},
]
UNDECIDED = np.full((10_000, 10), 0.1, np.float32)
THEIRS = Uploaded.model_validate({"file": "theirs.h5", "digest": "0123456789ab", "table": LAYERS})
UPLOADED = RunConfig(architecture=THEIRS)


@pytest.fixture
def add(store, read):
    """Puts an uploaded run in the store as a worker does."""

    def add(name="theirs", config=UPLOADED):
        files = {"test_probabilities": array(read.probabilities), "model.keras": b"x"}
        score = {"test_loss": read.loss, "test_accuracy": read.accuracy}
        return store.add(config, name, files, "Uploaded as theirs.h5.", **score)

    return add


def array(values):
    packed = io.BytesIO()
    np.save(packed, values)
    return packed.getvalue()


def chosen_format(app, name):
    labelled(app.radio, "Format").set_value(name).run()
    return healthy(app)


# -- an uploaded run -----------------------------------------------------------------------------------------------


def test_an_uploaded_run_is_listed_with_its_origin(visit, add, finish, store):
    add()
    finish("ours")
    store.create(recipe("quick").config, "a recipe", recipe="quick")
    app = visit("Runs")
    assert list(app.dataframe[0].value["origin"]) == ["quick", "own settings", "uploaded"]
    labelled(app.text_input, "Filter").set_value("uploaded").run()
    assert listed(healthy(app)) == ["theirs"]


def test_its_page_says_that_there_are_no_curves_and_no_training_again(visit, add):
    app = visit("Train", run=add())
    assert "trained elsewhere" in words(app, "info")
    assert "Change and train again" not in labels_of(app.button)
    assert "cannot be trained again" in words(app, "caption")
    assert "2704×10 + 10 = 27,050" in words(app, "markdown")
    assert "Uploaded as theirs.h5" in words(app, "markdown")


def test_it_is_evaluated_like_any_other(visit, add, read):
    app = visit("Evaluate", run=add())
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Test accuracy"] == f"{read.accuracy:.2%}"
    assert shown["Origin"] == "uploaded"
    assert "Inside the network" in words(app, "subheader")
    [picture] = app.get("graphviz_chart")
    for ends in (("image", "left"), ("image", "right"), ("left", "both"), ("both", "flat"), ("last", " digits")):
        assert '"{}" -> "{}"'.format(*ends) in picture.proto.spec


def test_it_is_compared_like_any_other(visit, add, finish):
    other = UPLOADED.replace({"architecture.digest": "ba9876543210"})
    runs = [add(), add("other", other), finish("ours")]
    app = visit("Compare", runs=",".join(runs))
    assert not app.error
    said = [str(table.value.to_dict()) for table in app.dataframe]
    assert any("ba9876543210" in text and "0123456789ab" in text for text in said), said


def test_a_run_of_another_version_may_still_be_taken_home_and_evaluated(visit, finish, store):
    run_id = finish("old")
    with store.database.write() as connection:
        connection.exec_driver_sql("UPDATE runs SET config = '{\"future\": 1}'")
    app = choose(visit("Runs"), "old")
    assert "Download the model (.keras)" in labels_of(app.get("download_button"))
    assert "Yes, delete it" in labels_of(app.button)
    app = visit("Evaluate", run=run_id)
    assert "Inside the network" not in words(app, "subheader")
    assert not app.error


def test_the_last_upload_is_deleted(visit, add, store):
    run_id = add()
    app = visit("Runs")
    app.session_state["uploaded"] = run_id
    assert "theirs" in words(healthy(app.run()), "success")
    store.delete(run_id)
    assert not healthy(app.run()).success


# -- the first layer -----------------------------------------------------------------------------------------------


def test_the_first_layer_before_and_after(visit, finish, store):
    run_id = finish()
    tiles = np.linspace(-1, 1, 2 * 3 * 28 * 28, dtype=np.float32).reshape(2, 3, 28, 28)
    store.keep(run_id, "first_layer", array(tiles))
    app = visit("Evaluate", run=run_id)
    html = words(app, "html")
    for text in ("no. 0, before training", "no. 2, before training", "no. 2, after training", "Colours from"):
        assert text in html
    assert labelled(app.toggle, "Show the weights").value
    assert "784×128 + 128" in words(app, "markdown")


def test_the_first_layer_is_asked_for_only_when_wanted(visit, finish):
    app = visit("Evaluate", run=finish())
    assert not labelled(app.toggle, "Show the weights").value
    assert "Colours from" not in words(app, "html")


def test_the_first_layer_of_the_shipped_run_which_nothing_is_kept_of(visit, monkeypatch):
    asked, tiles = [], np.linspace(-1, 1, 2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3)
    monkeypatch.setattr(EngineClient, "first_layer", lambda self, run_id: asked.append(run_id) or tiles)
    app = visit("Evaluate", run=FLAGSHIP)
    labelled(app.toggle, "Show the weights").set_value(True).run()
    assert "no. 2, after training" in words(healthy(app), "html")
    labelled(app.number_input, "Number of the image").set_value(5).run()
    assert "no. 2, after training" in words(healthy(app), "html") and asked == [FLAGSHIP]


def test_a_first_layer_that_sees_no_pixels(visit, finish, store):
    run_id = finish()
    store.keep(run_id, "first_layer", array(np.empty((2, 0, 0, 0), np.float32)))
    assert "no pictures" in words(visit("Evaluate", run=run_id), "info")


# -- files to take home --------------------------------------------------------------------------------------------


@pytest.fixture
def little_room(monkeypatch):
    """For prepared files: 1,000 bytes."""
    monkeypatch.setattr(files, "KEPT_BYTES", 1000)
    files._prepared.clear()
    yield files._prepared()
    files._prepared.clear()


def test_prepared_files_are_kept_as_far_as_their_bytes_allow(little_room):
    sizes, made = {"json": 300, "weights": 600, "h5": 400, "huge": 1001}, []
    engine = SimpleNamespace(export=lambda run_id, name: made.append(name) or b"x" * sizes[name])
    here = SimpleNamespace(settings=SimpleNamespace(database_url="sqlite://"), engine=engine)
    run = SimpleNamespace(id="a-run", ended=1.0)
    for name in ("json", "weights", "json", "h5", "json", "h5", "huge", "h5", "weights"):
        assert len(files._exported(here, run, name)) == sizes[name]
        assert sum(map(len, little_room.values())) <= 1000
    assert made == ["json", "weights", "h5", "huge", "weights"]
    files._exported(here, SimpleNamespace(id="a-run", ended=2.0), "weights")
    assert made[-2:] == ["weights", "weights"]


def test_a_prepared_file_is_offered_and_made_once(visit, finish, monkeypatch):
    made = []
    monkeypatch.setattr(EngineClient, "export", lambda self, run_id, name: made.append((run_id, name)) or b"{}")
    run_id = finish("to take home")
    app = chosen_format(choose(visit("Runs"), "to take home"), "json")
    labelled(app.button, "Prepare the file").click().run()
    for _ in range(2):
        assert f"Download {run_id}.json" in labels_of(healthy(app).get("download_button"))
        app.run()
    assert made == [(run_id, "json")]


# -- with a worker -------------------------------------------------------------------------------------------------


@pytest.fixture
def trained(engine):
    """A run in the real store with a network that has learned nothing."""
    _, store, _ = engine
    config = RunConfig.parse({"architecture": {"name": "softmax"}})
    run_id = store.create(config, "to take home")
    store.record(
        run_id,
        {"status": "finished", "test_accuracy": 0.1, "test_loss": 2.3, "ended": 1.0, "steps": 1, "step": 1},
        files={"model.keras": saved(build(config)), "test_probabilities": array(UNDECIDED)},
    )
    yield run_id
    store.delete(run_id)


@pytest.mark.usefixtures("engine")
def test_a_format_is_made_when_it_is_asked_for(visit, trained):
    app = choose(visit("Runs"), "to take home")
    offered = ["CSV", "JSON", "Download the model (.keras)"]
    assert labels_of(app.get("download_button")) == offered, "the table's and the run's"
    for name, ending in (("h5", ".h5"), ("json", ".json"), ("weights", ".weights.h5")):
        chosen_format(app, name)
        assert labels_of(app.get("download_button")) == offered
        labelled(app.button, "Prepare the file").click().run(timeout=120)
        assert f"Download {trained}{ending}" in labels_of(healthy(app).get("download_button"))
    chosen_format(app, "json")
    assert "subclassed model) is Python code" in words(app, "caption")
    assert "handed out as the same network in standard layers" in words(app, "caption")


@pytest.mark.usefixtures("engine")
def test_weights_are_shown_when_they_are_asked_for_and_then_kept(visit, trained, engine):
    app = visit("Evaluate", run=trained)
    labelled(app.toggle, "Show the weights").set_value(True).run(timeout=120)
    assert "no. 9, after training" in words(healthy(app), "html")
    assert engine[1].load_array(trained, "first_layer").shape == (2, 10, 28, 28)
    assert "no. 9, before training" in words(visit("Evaluate", run=trained), "html")


@pytest.mark.usefixtures("engine")
def test_the_weights_before_training(visit):
    app = visit("Train")
    labelled(app.toggle, "Show the first layer before training").set_value(True).run(timeout=120)
    assert "no. 63, before training" in words(healthy(app), "html")


@pytest.mark.usefixtures("engine")
def test_a_file_becomes_a_run(visit, engine):
    store, before = engine[1], {run.id for run in engine[1].list()}
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10)])
    app = visit("Runs")
    app.get("file_uploader")[0].upload("mine.keras", saved(model), "application/zip")
    labelled(app.button, "Check and add it").click().run(timeout=180)
    [new] = [run for run in store.list() if run.id not in before]
    assert (new.name, new.origin) == ("mine.keras", "uploaded")
    assert f"{new.test_accuracy:.2%} on the test set" in words(healthy(app), "success")
    assert "softmax is applied" in words(app, "success")
    store.delete(new.id)


@pytest.mark.usefixtures("engine")
def test_a_refused_file_is_told_and_leaves_nothing(visit, engine):
    before = len(engine[1].list())
    app = visit("Runs")
    app.get("file_uploader")[0].upload("evil.keras", b"PK\x03\x04 no zip", "application/zip")
    labelled(app.button, "Check and add it").click().run(timeout=180)
    assert_friendly(healthy(app).error[0].value, "damaged or cut short")
    assert len(engine[1].list()) == before


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize(
    ("setting", "most", "told"),
    [("MNIST_LAB_PARAMETERS", "318009", ("318,010", "318,009")), ("MNIST_LAB_UPLOAD_MEGABYTES", "1", ("1 MB",))],
)
def test_a_model_that_is_too_large_is_refused_and_leaves_nothing(visit, engine, monkeypatch, setting, most, told):
    before = engine[1].list()
    layers = [keras.layers.Flatten(), keras.layers.Dense(400), keras.layers.Dense(10)]
    monkeypatch.setenv(setting, most)
    app = visit("Runs")
    model = saved(keras.Sequential([keras.Input((28, 28)), *layers]))
    app.get("file_uploader")[0].upload("large.keras", model, "application/zip")
    labelled(app.button, "Check and add it").click().run(timeout=180)
    (error,) = healthy(app).error
    assert_friendly(error.value, setting, *told)
    assert engine[1].list() == before and not app.success


@pytest.mark.parametrize(("limit", "most"), [("30", 30), ("0", 128), ("500", 128)])
def test_the_form_takes_what_the_setting_and_streamlit_allow(visit, monkeypatch, limit, most):
    monkeypatch.setenv("MNIST_LAB_UPLOAD_MEGABYTES", limit)
    monkeypatch.setattr("mnist_core.ui.files.st.get_option", lambda name: 128)
    assert visit("Runs").get("file_uploader")[0].proto.max_upload_size_mb == most


def test_no_file_chosen(visit):
    app = visit("Runs")
    labelled(app.button, "Check and add it").click().run()
    assert "Choose a file first" in words(healthy(app), "info")
