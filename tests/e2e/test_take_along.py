"""The link is the lab: what is taken from one browser shows the same in another; and what is taken home."""

import io
import time

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from mnist_core.config import RunConfig
from mnist_core.explore.design import Design, make_search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.space import Dimension
from mnist_core.store.sweeps import SweepStore
from tests.e2e.lab import PHONE, SECONDS
from tests.helpers import eventually
from tests.searches import epoch_row

pytestmark = pytest.mark.e2e

TASK = "Is 10 % + 5 = 15 & more? #1 / 漢字 <b>no markup</b>"


def test_a_set_up_in_another_browser(lab, visitor, store):
    lab.open("Train")
    lab.fill("Learning rate", 0.0125)
    lab.fill("Epochs", 3)
    other = visitor()
    other.follow("Train", lab.link_with("%22epochs%22%3A3"))
    assert ["Learning rate", "0.0125", False] in lab.fields()
    assert other.fields() == lab.fields()
    lab.fill("A task to show with it", TASK)
    other.follow("Train", f"{lab.link_with('task=')}&lock=all")
    other.sees(f"Your task. {TASK}")
    assert ["Learning rate", "0.0125", False] not in other.fields()
    other.begin_training()
    config = store.get(other.linked_run).settings
    assert (config.optimizer.learning_rate, config.training.epochs) == (0.0125, 3)


@pytest.fixture
def two(store):
    """Two runs as workers leave them, which answer by chance: what is compared matters little here."""

    def finished(seed):
        run_id = store.create(RunConfig.parse({"training": {"epochs": 3}, "seed": seed}), f"run {seed}")
        store.mark_running(run_id)
        packed = io.BytesIO()
        np.save(packed, np.random.default_rng(seed).dirichlet(np.ones(10), 10_000).astype(np.float32))
        columns = {"status": "finished", "ended": time.time(), "test_accuracy": 0.1, "test_loss": 2.3, "epoch": 3}
        rows = [epoch_row(epoch, seed / 10 + epoch / 10) for epoch in (1, 2, 3)]
        store.record(run_id, columns, epoch_rows=rows, files={"test_probabilities": packed.getvalue()})
        return run_id

    return f"{finished(1)},{finished(2)}"


def test_a_set_of_runs_in_another_browser(lab, visitor, two):
    lab.open("Compare", runs=two)
    lab.sees("Two of them, image by image")
    link, other = lab.made_link, visitor()
    other.follow("Compare", link)
    other.sees("Two of them, image by image")
    assert other.page.url == lab.page.url.replace(",", "%2C")
    assert other.fields() == lab.fields()
    for chart in ("accuracy on held-out", "Test accuracies", "Difference of the confusion"):
        assert other.data(chart) == lab.data(chart)
    other.follow("Compare", f"{link}&lock=runs")
    expect(other.main.get_by_label("Runs to compare").first).to_be_disabled()


def test_a_sweep_in_another_browser(lab, visitor, store):
    sweeps = SweepStore(store.database)
    base = RunConfig.parse({"architecture": {"name": "softmax"}, "data": {"subset": 600}, "training": {"epochs": 1}})
    varied = (Dimension.parse("optimizer.learning_rate=0.001|0.01"),)
    design = Design(base, varied, make_search({"sampler": "grid"}))
    lab.follow("Explore", Lesson(None, TASK, lock=frozenset({"all"}), open=frozenset({"sweep"}), design=design).link())
    lab.sees(f"Your task. {TASK}")
    expect(lab.page.get_by_label("What varies").first).to_be_disabled()
    lab.click("Start the sweep")
    lab.sees("of 2 trials")
    (sweep,) = sweeps.list()[:1]
    assert sweep.design == design
    eventually(lambda: not sweeps.get(sweep.id).active, 4 * SECONDS)
    lab.sees("finished after")
    other = visitor()
    other.follow("Explore", lab.made_link)
    other.sees("finished after")
    other.sees("All 2 trials, best first")
    chart = "Optimization history"
    values = [trial.value for trial in sweeps.trials(sweep.id)]
    for reader in (lab, other):
        eventually(lambda reader=reader: reader.data(chart)[0]["y"] == values, SECONDS)
    expect(other.button("Score this run on the test set")).to_have_count(0)  # it is not theirs
    lab.follow("Explore", f"?sweep={sweep.id}&lock=sweep")
    lab.main.get_by_text("The test set, once").click()
    expect(lab.button("Score this run on the test set")).to_be_disabled()


def test_pictures_and_tables_are_taken_along(lab, two, tmp_path):
    lab.open("Compare", runs=two)
    lab.sees("Two of them, image by image")
    for name in ("accuracy on held-out", "Test accuracies", "Difference of the confusion"):
        with Image.open(lab.picture(name).path()) as picture:
            assert picture.format == "PNG"
            assert picture.width > 500
    expect(lab.main.get_by_role("button", name="Share chart")).to_have_count(0)
    lab.main.get_by_text("What is the same").click()
    lab.rest()
    buttons = lab.main.get_by_test_id("stDownloadButton").get_by_role("button")
    expect(buttons).to_have_count(18)
    files = []
    for button in buttons.all():
        files.append(lab.take(button))
    names = {file.suggested_filename for file in files}
    pages = {f"{name}.html" for name in ("curves", "marks", "difference")}
    tables = {f"{n}.{kind}" for n in ("curves", "spread", "differences", "same", "marks", "difference", "disagreements")
              for kind in ("csv", "json")}  # fmt: skip
    assert pages | tables | {"tensorboard.zip"} <= names
    saved = next(file for file in files if file.suggested_filename == "difference.html")
    saved.save_as(tmp_path / saved.suggested_filename)
    lab.page.goto(f"file://{tmp_path / saved.suggested_filename}")
    expect(lab.page.locator(".main-svg").first).to_be_visible()


def test_a_phone_takes_pictures_along(visitor, two):
    """Nothing hovers there: the camera always stands above the chart, and no other button does."""
    phone = visitor(**PHONE)
    phone.open("Compare", runs=two)
    chart = phone.chart("Test accuracies")
    chart.scroll_into_view_if_needed()
    expect(chart.locator(".modebar-btn")).to_have_count(1)
    with phone.page.expect_download() as download:
        chart.locator(".modebar-btn").tap()
    with Image.open(download.value.path()) as picture:
        assert picture.format == "PNG"


FETCHED = """() => performance.getEntriesByType("resource").filter(e => /plotly.*[.]js/i.test(e.name)).map(
    e => [e.name.split("/").pop(), e.transferSize])"""
"""Scripts that draw with Plotly, each with the bytes that came over the line for it: none if the browser had it."""


def test_plotly_is_fetched_once_by_a_browser(lab, two):
    """It is Streamlit's, whose name changes with its content, so that the browser may keep it."""
    for known in (False, True):
        lab.open("Compare", runs=two)
        expect(lab.chart("accuracy on held-out")).to_be_visible()
        ((name, size),) = lab.page.evaluate(FETCHED)
        assert name.startswith("PlotlyChart.") and (size == 0) == known


def test_without_streamlits_plotly_the_packages_is_taken(lab, two):
    lab.console_may_complain = True
    lab.page.route("**/PlotlyChart.*.js", lambda route: route.abort())
    lab.open("Compare", runs=two)
    expect(lab.chart("accuracy on held-out")).to_be_visible()
    assert "plotly.min.js" in dict(lab.page.evaluate(FETCHED))


BELOW = "Difference of the confusion"


def test_charts_below_wait_until_they_come_near(lab, two):
    """In a browser that always has something better to do."""
    lab.page.add_init_script("window.requestIdleCallback = () => 0")
    lab.open("Compare", runs=two)
    expect(lab.chart("accuracy on held-out")).to_be_visible()
    below = lab.page.get_by_role("img", name=BELOW)
    expect(below).to_be_attached()
    expect(lab.chart(BELOW)).to_have_count(0)
    below.scroll_into_view_if_needed()
    expect(lab.chart(BELOW)).to_be_visible()


def test_charts_below_are_drawn_when_there_is_time(lab, two):
    lab.open("Compare", runs=two)
    expect(lab.chart(BELOW)).to_be_attached()
    assert lab.page.get_by_test_id("stMain").evaluate("main => main.scrollTop") == 0


def test_what_can_be_taken_along_stands_below_its_chart(lab):
    lab.open("Robustness", run="flagship")
    chart = lab.main.locator(".live-chart").filter(has_text="zigzag").locator(".main-svg").first
    expect(chart).to_be_visible()
    lab.rest()
    drawn = chart.bounding_box()
    button = lab.main.get_by_role("button", name="Chart as web page")
    assert button.bounding_box()["y"] >= drawn["y"] + drawn["height"]
