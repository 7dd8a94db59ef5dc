"""Evaluate: every number against scikit-learn, from a scikit-learn model's own probabilities."""

import json
import re

import numpy as np
import pytest
from sklearn import metrics

from mnist_core.calibration import Calibration
from mnist_core.config import RunConfig
from tests.pages.conftest import healthy, labelled, labels_of, words


@pytest.fixture
def app(visit, finish):
    return visit("Evaluate", run=finish())


def test_marks(app, read):
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Test accuracy"] == f"{read.accuracy:.2%}"
    assert shown["Test loss"] == f"{read.loss:.4f}"
    wrong = metrics.zero_one_loss(read.labels, read.predicted, normalize=False)
    assert shown["Read wrongly"] == f"{wrong:,.0f} of 10,000"


def test_the_report_is_scikit_learns(app, read):
    table = app.dataframe[0].value
    expected = metrics.classification_report(read.labels, read.predicted, output_dict=True)
    assert len(table) == 12
    for row in table.to_dict("records"):
        theirs = expected[row["class"].replace("average", "avg")]
        assert row["precision"] == pytest.approx(theirs["precision"])
        assert row["recall"] == pytest.approx(theirs["recall"])
        assert row["f1"] == pytest.approx(theirs["f1-score"])
        assert row["support"] == theirs["support"]


def test_the_most_frequent_mistake_comes_first(app, read):
    matrix = metrics.confusion_matrix(read.labels, read.predicted)
    np.fill_diagonal(matrix, 0)
    true, predicted = np.unravel_index(matrix.argmax(), matrix.shape)
    said = words(app, "markdown")
    assert re.search(rf"{matrix.max():,} images of an? {true} read as {predicted}", said), said


def test_a_cell_can_be_chosen_by_keyboard(app, read):
    labelled(app.selectbox, "A digit that is").set_value(4)
    labelled(app.selectbox, "and was read as").set_value(4).run()
    count = int(((read.labels == 4) & (read.predicted == 4)).sum())
    assert f"{count:,} images of a 4 read as 4" in words(healthy(app), "markdown")


def test_mistakes_are_the_surest_ones(app, read):
    sure, wrong = read.probabilities.max(axis=1), read.predicted != read.labels
    worst = sorted(np.flatnonzero(wrong), key=lambda i: -sure[i])[:40]
    galleries = [html.proto.body for html in app.get("html") if "<figure" in html.proto.body]
    shown = re.findall(r"no\. ([\d,]+)<br>(\d) read as (\d)<br>(\d+)% sure</figcaption>", galleries[-1])
    assert len(shown) >= 40
    numbers = [int(number.replace(",", "")) for number, *_ in shown]
    assert [sure[i] for i in numbers[:40]] == [sure[i] for i in worst]
    for i, (_, label, predicted, percent) in zip(numbers, shown, strict=True):
        assert (int(label), int(predicted)) == (read.labels[i], read.predicted[i])
        assert int(percent) == pytest.approx(100 * sure[i], abs=0.51)


def test_one_image(app, read):
    labelled(app.number_input, "Number of the image").set_value(4321).run()
    bars = next(html.proto.body for html in healthy(app).get("html") if 'class="bars"' in html.proto.body)
    assert f"most likely {read.predicted[4321]} with {read.probabilities[4321].max():.1%}" in bars
    assert f"A **{read.labels[4321]}**" in words(app, "markdown")
    numbers = np.array(re.findall(r"\d\.\d*", app.code[0].value), float)
    np.testing.assert_allclose(numbers, read.probabilities[4321], atol=1e-6)


def test_an_image_is_told_as_surely_as_a_drawing(visit, store, finish, read):
    run_id = finish()
    store.keep(run_id, "calibration", Calibration(temperature=2.0).to_json().encode())
    app = visit("Evaluate", run=run_id)
    labelled(app.number_input, "Number of the image").set_value(4321).run()
    roots = np.sqrt(read.probabilities.astype(float))  # what half the logits are
    sure = (roots / roots.sum(axis=1, keepdims=True)).max(axis=1)
    bars = next(html.proto.body for html in healthy(app).get("html") if 'class="bars"' in html.proto.body)
    assert f"most likely {read.predicted[4321]} with {sure[4321]:.1%}" in bars
    galleries = [html.proto.body for html in app.get("html") if "<figure" in html.proto.body]
    shown = [(int(i), int(told)) for i, told in re.findall(r"no\. (\d+)<br>.*?<br>(\d+)% sure", galleries[-1])]
    assert len(shown) == 48 and all(told == pytest.approx(100 * sure[i], abs=0.51) for i, told in shown)
    assert [sure[i] for i, _ in shown] == pytest.approx(sorted(sure[read.predicted != read.labels])[:-49:-1])


def test_calibration(app, read):
    """The expected calibration error of Guo et al. 2017, summed up by hand over fifteen bins."""
    sure, right = read.probabilities.max(axis=1).astype(float), read.predicted == read.labels
    bins = np.ceil(sure * 15)
    gaps = [
        (bins == b).mean() * abs(right[bins == b].mean() - sure[bins == b].mean()) for b in np.unique(bins)
    ]
    assert f"{sum(gaps):.2%}" in words(app, "caption")


@pytest.mark.parametrize("how, shown", [("counts", "{:,}"), ("percent of row", "{:.1%}")])
def test_counts_or_percent_of_row(app, read, how, shown):
    labelled(app.segmented_control, "Show").set_value(how).run()
    (chart,) = [part.proto for part in healthy(app).get("bidi_component") if "heatmap" in part.proto.json]
    (heat,) = json.loads(json.loads(chart.json)["figure"])["data"]
    normalize = "true" if how != "counts" else None
    expected = metrics.confusion_matrix(read.labels, read.predicted, normalize=normalize)
    assert heat["text"] == [[shown.format(value) for value in row] for row in expected]


def test_another_run_goes_into_the_link(visit, finish):
    old, new = finish("old"), finish("new")
    app = visit("Evaluate")
    assert new in str(app.query_params["run"])
    labelled(app.selectbox, "Run").set_value(old).run()
    assert old in str(healthy(app).query_params["run"])


def test_the_link_chooses_the_run(visit, finish):
    old, _ = finish("old"), finish("new")
    assert labelled(visit("Evaluate", run=old).selectbox, "Run").value == old


@pytest.mark.parametrize("with_another", [False, True])
def test_a_run_without_a_model(visit, store, finish, with_another):
    if with_another:
        finish()
    app = visit("Evaluate", run=store.create(RunConfig(), "mine"))
    assert "mine" in app.info[0].value


def test_one_click_trains_when_there_is_nothing(visit, store, fail):
    fail()
    app = visit("Evaluate")
    labelled(app.button, "Train the quick recipe").click().run()
    (run,) = store.list(statuses=("queued",))
    assert run.recipe == "quick"
    assert healthy(app).title[0].value == "Train"
    assert run.id in str(app.query_params["run"])


def test_a_run_deleted_while_it_is_looked_at(visit, store, finish):
    run_id = finish()
    app = visit("Evaluate", run=run_id)
    store.delete(run_id)
    healthy(app.run())
    assert "Train the quick recipe" in labels_of(app.button) or app.error
