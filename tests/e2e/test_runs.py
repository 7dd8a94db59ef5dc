"""The table of runs: sort, choose, take the model home, delete."""

import subprocess
import sys

import pytest
from playwright.sync_api import expect

from mnist_core.config import RunConfig
from tests.helpers import ROOT
from tests.uploads import zipped

pytestmark = pytest.mark.e2e

READ_IT = """
import sys
import keras, numpy as np
model = keras.models.load_model(sys.argv[1])
with np.load("mnist_core/data/mnist.npz") as data:
    probabilities = model.predict(data["x_test"][..., None] / 255, batch_size=1000, verbose=0)
    print((probabilities.argmax(axis=1) == data["y_test"]).mean())
"""


def cancelled(store, name):
    """A run that was never trained."""
    run_id = store.create(RunConfig(), name)
    store.ask(run_id, "stop")
    return run_id


def test_sort_and_choose(lab, store, nothing_trained):
    for name in ("middle", "zebra", "ant"):
        cancelled(store, name)
    lab.open("Runs")
    lab.lists("ant", "zebra", "middle")
    for order in (["ant", "middle", "zebra"], ["zebra", "middle", "ant"]):
        lab.sort_by_name()
        lab.lists(*order)
        for name in order:
            lab.choose_row(name)
            lab.click_box(name)
            expect(lab.main.get_by_role("heading", name=name, exact=True, level=3)).to_be_hidden()


def test_several_are_chosen_and_compared(lab, store, trained):
    cancelled(store, "never begun")
    lab.open("Runs")
    lab.choose_row("trained")
    lab.click_box("never begun")
    lab.sees("2 runs chosen")
    lab.click("Compare these 2")
    expect(lab.main.get_by_role("heading", name="Compare", exact=True)).to_be_visible()
    lab.sees("What differs")


def test_take_the_model_home(lab, trained, tmp_path):
    lab.open("Runs")
    lab.choose_row("trained")
    download = lab.download(".keras")
    assert download.suggested_filename == f"{trained.id}.keras"
    file = tmp_path / download.suggested_filename
    download.save_as(file)
    command = [sys.executable, "-c", READ_IT, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert float(done.stdout) == pytest.approx(trained.test_accuracy, abs=0.0002)


def test_a_network_goes_home_and_comes_back(lab, store, trained, tmp_path):
    lab.open("Runs")
    lab.choose_row("trained")
    lab.click("Other formats")
    lab.page.get_by_role("button", name="Prepare the file").click()
    with lab.page.expect_download() as found:
        lab.page.get_by_role("button", name=f"Download {trained.id}.h5").click()
    file = tmp_path / found.value.suggested_filename
    found.value.save_as(file)
    lab.page.keyboard.press("Escape")
    lab.page.get_by_text("Bring in a network that was trained elsewhere").click()
    lab.upload(file)
    lab.fill("What to call it", "back again")
    lab.click("Check and add it")
    lab.sees("back again is among the runs now")
    lab.lists("back again", "trained")
    back = store.list(limit=1)[0]
    assert (back.origin, back.test_accuracy) == ("uploaded", trained.test_accuracy)
    lab.click("See where it errs")
    lab.on("Evaluate")
    assert lab.linked_run == back.id
    lab.main.get_by_role("switch", name="Show the weights").click(force=True)
    expect(lab.main.get_by_role("img", name="Weights of no. 63, as uploaded")).to_be_visible()


def test_a_hostile_file_is_refused_with_the_reason(lab, store, trained, tmp_path):
    file = tmp_path / "evil.keras"
    file.write_bytes(zipped([("../../evil.py", b"print()"), ("config.json", b"{}")]))
    lab.open("Runs")
    lab.page.get_by_text("Bring in a network that was trained elsewhere").click()
    lab.upload(file)
    lab.click("Check and add it")
    lab.sees("does not belong into one of standard layers")
    assert [run.id for run in store.list()] == [trained.id]


def test_rename_and_delete(lab, store, trained):
    run_id = cancelled(store, "to be deleted")
    lab.open("Runs")
    lab.choose_row("to be deleted")
    lab.fill("Name", "another name")
    lab.fill("Note", "A note.\nOf two lines.")
    lab.click("Save")
    lab.lists("another name", "trained")
    assert store.get(run_id).note == "A note.\nOf two lines."
    expect(lab.main.get_by_role("heading", name="another name", exact=True, level=3)).to_be_visible()  # chosen still
    lab.click("Delete")
    assert run_id in {run.id for run in store.list()}, "it asks first"
    lab.page.get_by_role("button", name="Yes, delete it").click()
    lab.lists("trained")
    assert run_id not in {run.id for run in store.list()}
    assert trained.id in {run.id for run in store.list()}
