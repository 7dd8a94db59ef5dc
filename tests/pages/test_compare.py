"""The Compare page: by link and by hand."""

import io
import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix
from sqlalchemy import update

from mnist_core.config import RunConfig
from mnist_core.explore import compare
from mnist_core.store import RunStore
from mnist_core.store.tables import runs
from mnist_core.ui import compare_curves, compare_view, comparing, spread
from tests.helpers import assert_friendly
from tests.pages.conftest import curves, healthy, labels_of, opened, words


@pytest.fixture
def two(finish):
    return finish("one"), finish("two", RunConfig(seed=5))


def test_without_runs_it_says_what_to_do(visit):
    assert "Choose 2 to 12 runs" in words(visit("Compare"))


def test_a_link_shows_the_comparison(visit, two, read):
    app = visit("Compare", runs=",".join(two))
    text = words(app)
    for part in ("Curves", "What differs", "On the test set", "Two of them"):
        assert part in text
    assert "the very same images right" in text
    assert "Only one thing changed: `seed`" in words(app, "success")
    differing = next(frame.value for frame in app.dataframe if list(frame.value.columns) == ["setting", "one", "two"])
    assert differing.values.tolist() == [["seed", "1", "5"]]
    marks = next(frame.value for frame in app.dataframe if "test accuracy" in frame.value)
    right = int((read.predicted == read.labels).sum())
    assert marks["right"].tolist() == [right, right]
    expected = compare.mark(read.labels, read.predicted).interval
    assert (marks["interval from"][0], marks["to"][0]) == pytest.approx(tuple(expected))
    assert {"CSV", "JSON", "Chart as web page", "TensorBoard files"} <= set(labels_of(app.get("download_button")))


def test_what_never_changes_is_read_once(visit, two, store, monkeypatch):
    app, read = visit("Compare", runs=",".join(two)), []
    for name in ("epochs", "load_array"):
        monkeypatch.setattr(RunStore, name, lambda *args, name=name: read.append(name))
    healthy(app.selectbox(key="metric").set_value("loss").run())
    assert read == []


def test_closed_boxes_cost_nothing(visit, two):
    app = visit("Compare", runs=",".join(two))
    columns = [list(frame.value.columns) for frame in app.dataframe]
    assert not app.code and not app.text_area and ["setting", "value"] not in columns
    opened(app, "same", "share")
    assert app.code and ["setting", "value"] in [list(frame.value.columns) for frame in app.dataframe]


@pytest.fixture
def taken(monkeypatch):
    """What the buttons under tables and figures would save: rows and figure by name."""
    found = {}
    take_along = compare_view.take_along

    def listen(name, rows, figure=None):
        found[name] = list(rows), figure
        return take_along(name, rows, figure)

    for module in (compare_curves, compare_view, spread):
        monkeypatch.setattr(module, "take_along", listen)
    return found


def test_every_table_and_figure_is_taken_along(visit, two, store, read, taken):
    """The second run reads every twentieth image otherwise, which is wrong or, where the first errs, may be right."""
    other = read.probabilities.copy()
    other[::20] = np.roll(other[::20], 1, axis=1)
    packed = io.BytesIO()
    np.save(packed, other)
    store.record(two[1], {}, files={"test_probabilities": packed.getvalue()})
    app = opened(visit("Compare", runs=",".join(two)), "same")
    frames = [frame.value for frame in app.dataframe]
    assert {name for name, (_, figure) in taken.items() if figure} == {"curves", "marks", "difference"}
    for name in ("differences", "same", "spread", "marks"):
        assert any(len(frame) == len(taken[name][0]) for frame in frames), name
    assert len(labels_of(app.get("download_button"))) == 2 * len(taken) + 3 + 1
    first, second = read.predicted, other.argmax(axis=1)
    split = np.flatnonzero((first == read.labels) != (second == read.labels))
    expected = [[i, read.labels[i], first[i], second[i]] for i in split]
    assert [list(row.values()) for row in taken["disagreements"][0]] == expected
    cells = [list(row.values())[1:] for row in taken["difference"][0]]
    wanted = confusion_matrix(read.labels, second) - confusion_matrix(read.labels, first)
    assert cells == wanted.tolist()
    (spread,) = taken["spread"][0]
    assert (spread["seeds"], spread["mean"], spread["standard deviation"]) == (2, curves(5)[-1]["val_accuracy"], 0.0)
    better = int((first == read.labels)[split].sum())
    assert f"{better:,} images only one reads rightly" in words(app)
    p = binomtest(min(better, len(split) - better), len(split)).pvalue
    assert f"p = {p:.3g} (exact)" in words(app)


def test_two_of_several_runs_are_judged_with_all_pairs_in_mind(visit, two, finish):
    assert "Holm" not in words(visit("Compare", runs=",".join(two)))
    three = [*two, finish("three")]
    assert "With Holm's correction for 3 pairs: p = 1." in words(visit("Compare", runs=",".join(three)))


def test_runs_that_differ_by_seed_are_one_band_with_a_sentence(visit, two):
    app = visit("Compare", runs=",".join(two))
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table["seeds"].tolist() == [2]


def test_only_finished_runs_tell_what_seeds_make(visit, two, finish, store):
    half = finish("half", RunConfig(seed=9))
    store.record(half, {"status": "paused"})
    app = visit("Compare", runs=",".join([*two, half]))
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table["seeds"].tolist() == [2]
    assert "1 run has not finished and is left out" in words(app)
    for run_id in two:
        store.record(run_id, {"status": "stopped"})
    app = visit("Compare", runs=",".join([*two, half]))
    assert not any("standard deviation" in frame.value for frame in app.dataframe)
    assert "3 runs have not finished and are left out" in words(app)


def test_a_run_that_ended_early_is_no_part_of_a_fair_comparison(visit, two, store):
    store.record(two[1], {"status": "stopped"})
    app = visit("Compare", runs=",".join(two))
    assert not app.success
    assert "no fair comparison: two (stopped)" in words(app, "info")


def test_early_stopping_is_judged_by_the_weights_that_it_kept(visit, finish, store):
    config = RunConfig.parse({"training": {"early_stopping": 1}})
    two, rows = [finish(f"run {seed}", config.replace({"seed": seed})) for seed in (1, 2)], curves(6)
    for run_id in two:
        store.record(run_id, {"epoch": 6}, epoch_rows=[rows[5] | {"val_loss": 9.0, "val_accuracy": 0.1}])
    app = visit("Compare", runs=",".join(two))
    table = next(frame.value for frame in app.dataframe if "standard deviation" in frame.value)
    assert table["mean"].tolist() == [rows[4]["val_accuracy"]]


def test_losses_that_are_not_one_measure_are_told_beside_them(visit, two, finish, taken):
    """Beside the test losses and, when the curves are losses, beside these; and in what is taken along."""
    app = visit("Compare", runs=",".join(two))
    assert "not one measure" not in words(app, "warning") and "remark on losses" not in taken["marks"][0][0]
    penalized = finish("penalized", RunConfig.parse({"architecture": {"l2": 0.001}}))
    app = visit("Compare", runs=f"{two[0]},{penalized}")
    assert words(app, "warning").count("not one measure") == 1
    assert all("not one measure" in row["remark on losses"] for row in taken["marks"][0])
    healthy(app.selectbox(key="metric").set_value("val_loss").run())
    assert words(app, "warning").count("not one measure") == 2


def test_pictures_of_no_digit_are_told_beside_losses_in_training_alone(visit, two, finish):
    refusing = finish("refusing", RunConfig.parse({"data": {"not_digits": 30_000}}))
    app = visit("Compare", runs=f"{two[0]},{refusing}")
    healthy(app.selectbox(key="metric").set_value("val_loss").run())
    assert "not one measure" not in words(app, "warning")
    healthy(app.selectbox(key="metric").set_value("loss").run())
    assert words(app, "warning").count("Losses in training are not one measure") == 1


@pytest.fixture
def tuned(finish, store):
    """Puts a fine-tuning in the store, which learned from the drawings of this digest; gives its id."""

    def tuned(name, digest):
        tuning = {"run": "flagship", "drawings": 30, "often": 5, "digest": digest}
        run_id, config = finish(name), RunConfig.parse({"fine_tuning": tuning}).to_json()
        with store.database.write() as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(config=config))
        return run_id

    return tuned


@pytest.mark.parametrize("digest", ["", "0123456789ab"])
def test_fine_tunings_on_drawings_that_nobody_wrote_down_are_not_called_the_same(visit, tuned, digest):
    text = words(visit("Compare", runs=f"{tuned('one', digest)},{tuned('two', digest)}"))
    assert ("down to the seed" in text) == ("The same images in the same batches" in text) == bool(digest)
    assert ("this may not be all that differs" in text) == (not digest)


def test_other_drawings_are_told_as_such(visit, tuned):
    app = visit("Compare", runs=f"{tuned('one', '0123456789ab')},{tuned('two', 'ba9876543210')}")
    assert "Only one thing changed: `own drawings`" in words(app, "success")
    differing = next(frame.value for frame in app.dataframe if list(frame.value.columns) == ["setting", "one", "two"])
    assert differing.values.tolist() == [["own drawings", "set 1", "set 2"]]
    assert "digest" not in words(app) and "0123456789ab" not in words(app)


def test_nothing_is_said_of_batches_that_classical_models_do_not_have(visit, finish):
    forest = RunConfig.parse({"architecture": {"name": "random_forest"}})
    for others in ([finish("more trees", forest.replace({"seed": 5}))], [finish("a network")]):
        text = words(visit("Compare", runs=",".join([finish("trees", forest), *others])))
        assert "Classical models have neither first weights nor batches" in text and "Order" not in text
        assert "The same images" not in text and "Not known" not in text


def test_bands_go_by_epoch_alone_and_the_same_seed_counts_once(visit, two, finish):
    again = finish("two again", RunConfig(seed=5))
    app = visit("Compare", runs=",".join([*two, again]))
    table = next(frame.value for frame in app.dataframe if "seeds" in frame.value)
    assert table["seeds"].tolist() == [2]
    across = next(group for group in app.get("button_group") if group.label == "By")
    assert across.proto.disabled
    assert "epoch by epoch" in across.proto.help
    healthy(app.toggle(key="together").set_value(False).run())
    assert not next(group for group in app.get("button_group") if group.label == "By").proto.disabled
    app = visit("Compare", runs=f"{two[1]},{again}")
    assert "together" not in [toggle.key for toggle in app.toggle]


@pytest.mark.parametrize(("across", "x"), [("epoch", [1, 2]), ("step", [420, 840]), ("seconds", [0.5, 1.0])])
def test_curves_go_by_epoch_by_step_or_by_seconds(visit, finish, taken, across, x):
    config = RunConfig.parse({"training": {"epochs": 2}})
    two = finish("one", config), finish("two", config.replace({"training.batch_size": 64}))
    app = visit("Compare", runs=",".join(two))
    app.segmented_control(key="across").set_value("step" if across == "epoch" else "epoch").run()
    healthy(app.segmented_control(key="across").set_value(across).run())
    drawn = taken["curves"][1]
    assert [line["x"] for line in drawn["data"]] == [x, x]
    assert drawn["layout"]["xaxis"]["title"]["text"] == comparing.ACROSS[across]
    shown = [json.loads(part.proto.json) for part in app.get("bidi_component") if "compare-curves" in part.proto.id]
    assert [[line["x"] for line in json.loads(chart["figure"])["data"]] for chart in shown] == [[x, x]]


def test_a_run_that_is_gone_has_its_sentence_and_the_others_are_compared(visit, two, store, finish):
    gone = finish("gone")
    store.delete(gone)
    app = visit("Compare", runs=",".join([*two, gone, "<script>alert(1)</script>"]))
    assert len(app.warning) == 2
    assert_friendly(app.warning[0].value, gone, "deleted")
    assert "On the test set" in words(app)
    app.multiselect(key="compare").set_value([*reversed(two)]).run()
    healthy(app)
    assert app.query_params["runs"] == ",".join(reversed(two))


def test_too_many_in_a_link(visit, finish):
    ids = [finish(f"run {i}") for i in range(13)]
    app = visit("Compare", runs=",".join(ids))
    assert len(app.multiselect(key="compare").value) == 12
    assert "first 12" in app.warning[0].value


def test_runs_without_marks_are_compared_by_curves_and_settings(visit, two, store):
    waiting = store.create(RunConfig(), "waiting")
    app = visit("Compare", runs=f"{two[0]},{waiting}")
    assert "Without marks on the test set: waiting" in words(app)
    assert "Two of them" not in words(app)


def test_a_run_of_another_version_is_left_out_of_the_list(visit, two, store):
    with store.database.write() as connection:
        connection.execute(update(runs).where(runs.c.id == two[0]).values(config='{"unheard": 1}'))
    app = visit("Compare")
    app.multiselect(key="compare").set_value([*two]).run()
    assert_friendly(healthy(app).warning[0].value, "unheard")
    assert_friendly(visit("Compare", runs=",".join(two)).warning[0].value, "unheard")


def test_twelve_long_runs_are_drawn(visit, finish):
    config = RunConfig.parse({"training": {"epochs": 50}})
    ids = [finish(f"run {i}", config.replace({"seed": i})) for i in range(12)]
    app = visit("Compare", runs=",".join(ids))
    assert len(next(frame.value for frame in app.dataframe if "test accuracy" in frame.value)) == 12
    assert app.toggle(key="together").value
    healthy(app.toggle(key="together").set_value(False).run())
