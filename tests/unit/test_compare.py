"""Runs side by side, with arrays made by hand and scikit-learn as the other opinion."""

import re

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore import compare
from mnist_core.explore.seeds import by_all_but_seed
from mnist_core.explore.statistics import mcnemar
from tests.helpers import assert_friendly

LABELS = np.array([0, 1, 2, 3, 4, 5])
FIRST = np.array([0, 1, 2, 9, 9, 9])
SECOND = np.array([0, 9, 2, 3, 9, 8])


@pytest.fixture
def runs(store):
    configs = [{}, {"optimizer": {"name": "sgd"}}, {"architecture": {"name": "softmax"}, "seed": 2}]
    return [store.get(store.create(RunConfig.parse(config))) for config in configs]


def test_each_run_of_a_link_once_in_its_order_and_a_sentence_for_what_is_gone(store, runs):
    gone = store.create(RunConfig())
    store.delete(gone)
    ids = [runs[1].id, runs[0].id, gone, runs[1].id, "", "<script>"]
    found, problems = compare.find(store, ids)
    assert [run.id for run in found] == [runs[1].id, runs[0].id]
    assert len(problems) == 2
    assert_friendly(problems[0], gone, "deleted")
    assert_friendly(problems[1], "script")


def test_a_run_of_another_version_has_its_sentence(store, runs):
    from sqlalchemy import update

    from mnist_core.store.tables import runs as table

    with store.database.write() as connection:
        connection.execute(update(table).where(table.c.id == runs[0].id).values(config='{"unheard": 1}'))
    found, problems = compare.find(store, [runs[0].id])
    assert not found
    assert_friendly(problems[0], "unheard")


@pytest.mark.parametrize(("count", "word"), [(0, "Add"), (1, "Add"), (13, "Take")])
def test_too_few_or_too_many(runs, count, word):
    with pytest.raises(ConfigError) as error:
        compare.require_enough((runs * 5)[:count])
    assert_friendly(error, count, word)


def test_what_differs_and_what_is_the_same(runs):
    differing, same = compare.settings(runs)
    assert differing["optimizer.name"] == ["adam", "sgd", "adam"]
    assert differing["optimizer.momentum"] == [None, 0.0, None]
    assert differing["architecture.hidden_units"][2] is None
    assert differing["seed"] == [1, 1, 2]
    assert same["training.epochs"] == 5
    assert not set(differing) & set(same)
    for run, index in ((runs[0], 0), (runs[2], 2)):
        assert {k: v[index] for k, v in differing.items() if v[index] is not None} | same == run.settings.flat()


def test_sets_of_drawings_are_told_by_number():
    digests = ["ba9876543210", None, "0123456789ab", "", "ba9876543210"]
    told = compare.in_words("fine_tuning.digest", digests)
    assert told == ("own drawings", ["set 1", None, "set 2", "not written down", "set 1"])
    assert compare.in_words("seed", (1, 2)) == ("seed", [1, 2])


def named(store, *configs):
    return [label for label, _ in by_all_but_seed([store.get(store.create(RunConfig.parse(c))) for c in configs])]


CNN, SGD = {"architecture": {"name": "cnn"}}, {"optimizer": {"name": "sgd"}}


def test_runs_are_called_by_a_few_settings_that_tell_them_apart(store):
    mlp, cnn = named(store, SGD, CNN)
    assert mlp.startswith("architecture mlp, optimizer sgd, ") and cnn.startswith("architecture cnn, optimizer adam, ")
    for name in (mlp, cnn):
        assert name.count(",") == 2
        assert re.search(r" and \d+ more$", name)
        assert not set("{[") & set(name)


def test_a_value_is_told_with_all_that_it_says():
    assert [compare.whole(value) for value in (0.5, [32, 16], [], "relu")] == ["0.5", "32-16", "none", "relu"]
    assert [compare.whole(rate) for rate in (0.001 * 1.3, 1e-5, 1.0, 2)] == ["0.0013", "1e-05", "1.0", "2"]
    blocks = [{"filters": 8, "kernel": 3}, {"filters": 16, "kernel": 5}]
    assert compare.whole(blocks) == "filters 8, kernel 3; filters 16, kernel 5"


def test_blocks_and_layers_are_told_by_their_sizes(store):
    blocks = [{"filters": 8, "convolutions": 2}, {"filters": 16}]
    other = {"architecture": {"name": "cnn", "blocks": blocks}}
    assert named(store, CNN, other) == ["blocks 16-32", "blocks 8-8-16"]
    assert named(store, {}, {"architecture": {"hidden_units": [64, 32]}}) == ["hidden_units 128", "hidden_units 64-32"]
    headless = {"architecture": {"name": "cnn", "hidden_units": []}}
    assert named(store, headless, {"architecture": {"name": "cnn", "hidden_units": [8]}})[0] == "hidden_units none"


def test_what_tells_settings_apart_is_named_before_what_tells_only_some(store):
    rate = {"optimizer": {"learning_rate": 0.01}}
    other = CNN | rate | {"schedule": {"name": "one_cycle"}, "training": {"epochs": 1, "label_smoothing": 0.1}}
    names = named(store, {}, rate, other)
    assert [name.startswith(f"architecture {kind}, learning_rate {at}, ") for name, kind, at in zip(
        names, ("mlp", "mlp", "cnn"), ("0.001", "0.01", "0.01"), strict=True
    )] == [True] * 3  # fmt: skip
    assert not any("(" in name for name in names)


def test_a_setting_keeps_its_section_where_another_is_called_alike(store):
    sgd = {"name": "sgd_classifier", "loss": "hinge"}
    both = ({"architecture": sgd}, {"architecture": sgd | {"loss": "log_loss"}, "training": {"loss": "clipped"}})
    first, second = named(store, *both)
    assert first == "architecture.loss hinge, training.loss cross_entropy"
    assert second == "architecture.loss log_loss, training.loss clipped"


def test_a_mark_and_its_interval():
    found = compare.mark(LABELS, FIRST)
    assert (found.right, found.images, found.accuracy) == (3, 6, 0.5)
    assert found.interval.low < 0.5 < found.interval.high


def test_where_two_disagree():
    found = compare.pair(LABELS, FIRST, SECOND)
    assert found.only_first.tolist() == [1]
    assert found.only_second.tolist() == [3]
    assert found.test == mcnemar(1, 1)
    digits = range(10)
    expected = confusion_matrix(LABELS, SECOND, labels=digits) - confusion_matrix(LABELS, FIRST, labels=digits)
    assert (found.difference == expected).all()


@pytest.mark.parametrize(
    ("counts", "words"),
    [((0, 0), "very same"), ((4, 6), "a tie"), ((90, 30), "A is better"), ((30, 90), "B is better")],
)
def test_the_test_in_words(counts, words):
    assert words in compare.verdict("A", "B", mcnemar(*counts))


@pytest.mark.parametrize(
    ("counts", "corrected", "words"),
    [
        ((90, 30), 0.001, "p is 0.001: A is better"),
        ((30, 90), 0.001, "B is better"),
        ((30, 14), 0.06, "p is 0.06, for among so many pairs one splits so unevenly by chance: call it a tie"),
        ((4, 6), 1.0, "a tie"),
        ((0, 0), 1.0, "very same"),
    ],
)
def test_of_two_of_several_runs_the_corrected_p_decides(counts, corrected, words):
    assert words in compare.verdict("A", "B", mcnemar(*counts), corrected)


def test_every_pair_of_several_runs_is_corrected_for(runs):
    labels = np.zeros(400, int)
    read = {run.id: (np.arange(400) < wrong).astype(int) for run, wrong in zip(runs, (0, 8, 15), strict=True)}
    document = compare.summary(runs, labels, read)
    ps = {(pair["first"], pair["second"]): (pair["p"], pair["p_holm"]) for pair in document["pairs"]}
    first, second, third = (run.id for run in runs)
    smallest, middle, largest = mcnemar(15, 0).p, mcnemar(8, 0).p, mcnemar(7, 0).p
    assert ps[first, third] == pytest.approx((smallest, 3 * smallest))
    assert ps[first, second] == pytest.approx((middle, 2 * middle))
    assert ps[second, third] == pytest.approx((largest, largest))


def test_the_whole_as_plain_data(runs):
    document = compare.summary(runs, LABELS, {runs[0].id: FIRST, runs[1].id: SECOND})
    assert [row["test_accuracy"] for row in document["runs"]] == [0.5, 0.5, None]
    assert document["runs"][2]["interval"] is None
    (pair,) = document["pairs"]
    assert (pair["first"], pair["second"], pair["only_first"]) == (runs[0].id, runs[1].id, 1)
    assert document["differs"]["seed"] == {runs[0].id: 1, runs[1].id: 1, runs[2].id: 2}
    assert document["remark_on_losses"] == ""


def test_losses_that_are_not_one_measure_are_told_with_the_data(store, runs):
    other = store.get(store.create(RunConfig.parse({"architecture": {"l2": 0.001}})))
    assert "not one measure" in compare.summary([runs[0], other], LABELS, {})["remark_on_losses"]
