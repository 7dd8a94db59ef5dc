"""The benchmarks' documents: the keys that others read, and figures made of what was measured as they say."""

import random
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import strategies as st
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from benchmarks import (
    badinput,
    chaos,
    explore,
    handwriting,
    live,
    memory,
    pages,
    precision,
    predict,
    time_to_accuracy,
    training,
    visitor,
    visitors,
)
from benchmarks import store as benchmark_store
from benchmarks.report import p95
from mnist_core.config import RunConfig
from mnist_core.explore.seeds import by_all_but_seed
from mnist_core.recipes import RECIPES
from mnist_core.store.sweeps import SweepStore
from tests.helpers import ROOT
from tests.hostile.target import Attack, target
from tests.rows import epoch

IMPORT_ALL = """
import importlib, pathlib, sys
sys.modules["playwright"] = None
for file in pathlib.Path("benchmarks").glob("[!_]*.py"):
    importlib.import_module(f"benchmarks.{file.stem}")
"""


def test_benchmarks_can_be_imported_without_a_browsers_tools():
    """So these tests, and whatever else measures no page, run where Playwright is not installed."""
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_training_compares_seconds_of_an_epoch():
    workload = training.WORKLOADS[-1]
    seconds = {"float32": 2.0, "bfloat16": 1.0, "fit": 4.0, "tape": 3.0, "torch": 5.0}
    (row,) = training.document([training._row(workload, "bfloat16", seconds)])["rows"]
    assert row["workload"] == workload.name and row["precision"] == "bfloat16"
    times = [row[f"{name}_seconds"] for name in ("ours", "fit", "tape", "torch")]
    assert times == [1.0, 4.0, 3.0, 5.0] and (row["over_fit"], row["over_torch"]) == (4.0, 5.0)


def test_without_pytorch_its_figures_are_empty():
    row = training._row(training.WORKLOADS[0], "float32", {"float32": 2.0, "fit": 4.0, "tape": 3.0})
    assert row["torch_seconds"] is row["over_torch"] is None
    assert "–" in training.table([row])


def test_the_sampler_is_set_against_two_seeds_of_chance(monkeypatch):
    def best(lab, trials, seed, sampler="tpe"):
        return {("tpe", 30): (0.1, 0.2, 0.6), ("random", 200): (0.3, 0.5)}[sampler, trials][seed]

    monkeypatch.setattr(explore, "best", best)
    found = explore.sampler_against_chance(None, 3)
    assert (found["tpe_30_all"], found["tpe_30_best_accuracy"]) == ([0.1, 0.2, 0.6], 0.2)
    assert (found["random_200_all"], found["random_200_best_accuracy"]) == ([0.3, 0.5], 0.4)


def test_twelve_runs_are_twelve_curves(store):
    runs = [store.get(explore.finished_run(store, number)) for number in range(12)]
    assert [len(group) for _, group in by_all_but_seed(runs)] == [1] * 12


def test_the_large_search_has_pruned_trials_as_a_real_one_has(store):
    sweeps = SweepStore(store.database)
    trials, epochs = sweeps.trials(sweep_id := explore.searched(store, sweeps, 30)), sweeps.epochs(sweep_id)
    lengths = {state: {len(epochs[t.number]) for t in trials if t.state == state} for state in ("pruned", "complete")}
    assert lengths == {"pruned": {1, 2}, "complete": {3}}
    assert sweeps.get(sweep_id).design.search.pruner != "none"


def test_every_aim_is_one_of_the_four_networks():
    assert [list(workload.over_fit) for workload in training.WORKLOADS][2:] == [["float32", "bfloat16"]] * 2
    assert len(training.WORKLOADS) == 4


def test_precision_compares_all_convolutional_recipes_that_take_no_minutes():
    quick = {name for name, recipe in RECIPES.items() if not recipe.costly}
    assert set(precision.DEFAULT) == {"cnn-fast", "tiny"} <= quick
    assert {RECIPES[name].config.architecture.convolutional for name in precision.DEFAULT + precision.COSTLY} == {True}
    assert not quick & set(precision.COSTLY)


def test_time_to_accuracy_gives_all_seeds_and_their_median():
    found = time_to_accuracy.document(0.99, [8.0, 12.0, 9.0], [0.991, 0.989, 0.99], "cnn-fast")
    assert (found["target"], found["median_seconds"], found["test_accuracy"]) == (0.99, 9.0, 0.99)
    assert found["seconds"] == [8.0, 12.0, 9.0] and found["lowest_test_accuracy"] == 0.989
    assert found["mean_test_accuracy"] == pytest.approx(0.99)
    assert all(name in RECIPES for name in time_to_accuracy.RECIPES.values())


def test_live_compares_pairs_of_one_round():
    found = live.document([100.0, 200.0], [97.0, 198.0], [0.1] * 99 + [9.0], [1.5], [0.02])
    assert found["throughput_ratio"] == pytest.approx(0.98)
    assert found["epoch_to_curve_p95_seconds"] == pytest.approx(0.1)


def test_predict_and_pages_have_their_keys():
    spread = list(np.linspace(10, 30, 201))
    assert set(predict.document(spread, [100.0])) == {"engine_p95_ms_while_training", "stroke_to_answer_p95_ms"}
    assert predict.document(spread, [100.0])["engine_p95_ms_while_training"] == pytest.approx(29.0)


def test_pages_have_their_keys_and_the_memory_after_each():
    steps = [pages.FIRST, *pages.MENU, pages.every_page(pages.TIMED), pages.every_page(pages.TIMES)]
    walks = [{step: (100.0 + server + i, 90.0 + i) for i, step in enumerate(steps)} for server in range(3)]
    found = pages.document([1.0, 2.0, 9.0], [0.5], walks)
    assert {"first_page_seconds": 2.0, "page_switch_p95_seconds": 0.5, "web_process_mb": 101.0}.items() <= found.items()
    assert (found["web_process_mb_after_all_pages"], found["web_process_mb_after_ten_times"]) == (112.0, 113.0)
    assert found["web_process_private_mb_after_ten_times"] == 102.0
    assert found["mb_after_each"]["Data"] == [103.0, 92.0]


def test_the_runs_page_is_measured_with_finished_runs_of_every_recipe(store):
    benchmark_store.fill(store, 15)
    runs = store.list()
    assert {run.status for run in runs} == {"finished"}
    assert {run.recipe for run in runs} <= set(RECIPES)
    assert all(len(store.epochs(run.id)) == run.epoch == run.settings.epochs for run in runs)
    assert benchmark_store.document(15, [1.0, 3.0, 2.0]) == {"runs": 15, "page_seconds": 2.0}


@pytest.fixture
def world(store, settings):
    """A data folder in which chaos has gone by."""
    return chaos.Chaos(settings, store, None, {}, random.Random(0))


def test_chaos_counts_what_is_lost_doubled_and_missing(world, store):
    whole, lost, gap = (store.create(RunConfig().replace({"training.epochs": 3})) for _ in range(3))
    world.runs = dict.fromkeys((whole, lost, gap), "softmax")
    for run_id, numbers in ((whole, (1, 2, 3)), (gap, (1, 3))):
        store.record(run_id, {"status": "finished", "epoch": 3}, [], [epoch(number) for number in numbers])
    store.record(lost, {"status": "failed", "epoch": 1}, [], [epoch(1), epoch(2) | {"step": 10}])
    found = world.document(7)
    counted = {"kills": 7, "runs": 3, "lost": 1, "duplicate_epochs": 1, "missing_epochs": 1}
    assert found == counted | {"other_numbers": 0}


def test_chaos_counts_runs_that_end_with_other_numbers_than_most_of_their_kind(world, store):
    ended = {"softmax": [b"same", b"same", b"other"], "mlp": [b"else", None, None], "cnn": [b"alone"]}
    for kind, numbers in ended.items():
        for data in numbers:
            run_id = store.create(RunConfig())
            world.runs[run_id] = kind
            store.record(run_id, {"status": "finished"}, files={"test_probabilities": data})
    assert world.document(7)["other_numbers"] == 1


def test_p95_is_numpys():
    assert p95([1.0, 2.0, 3.0, 4.0]) == pytest.approx(3.85)


def test_bad_input_is_counted_to_the_last():
    """Also where there are fewer inputs of a kind than tries: the others make up for them."""
    harm, bug = AssertionError("not fit for a reader"), KeyError("a bug")

    def fail(at, value):
        if value == 1:
            at.store.rename(at.kept, "another name")
        elif value:
            raise harm if value == 2 else bug

    found = Counter()
    few, many = st.integers(0, 3), st.integers(10, 10_000)
    attacks = [Attack("few", few, fail), Attack("many", many, lambda at, value: None)]
    with target() as at:
        badinput._all(attacks, at, 40, found, seed=1)
    assert badinput._tried(found) == 40
    assert found["tried", "few"] >= 4 and found["tracebacks"] + found["lost"] >= 3


def test_visitors_have_their_keys():
    met = visitors.Met([10.0] * 99 + [2000.0], [100.0, 300.0], [200.0, 400.0], ["one", "another"])
    found = visitors.document(40, 5.0, met, [120_000_000, 110_000_000], [8_000_000, 7_000_000], 5.1)
    assert {"visitors": 40, "minutes": 5.0, "errors": 2, "mb_per_visitor": 3.0}.items() <= found.items()
    assert (found["page_p95_ms"], found["draw_p95_ms"]) == (pytest.approx(10.0), pytest.approx(290.0))
    assert (found["page_updates"], found["drawings"]) == (100, 2)
    assert found["draw_and_below_p95_ms"] == pytest.approx(390.0)
    assert (found["mb_at_most_in_each_class"], found["mb_after_each_class"]) == ([120.0, 110.0], [8.0, 7.0])
    assert found["web_cpu_ms_each"] == pytest.approx(50.0)


def test_a_class_that_was_never_answered_has_a_document_too():
    met = visitors.Met(pages=[10.0], errors=["a drawing was not answered"])
    found = visitors.document(2, 1.0, met, [1], [1], 0.1)
    assert (found["draw_p95_ms"], found["errors"]) == (None, 1)


def test_an_answer_is_heard_when_it_comes_and_not_later():
    played = visitor.Visitor(connection=None, page="Draw", query="")

    def hear(**element):
        message = ForwardMsg()
        for kind, body in element.items():
            getattr(message.delta.new_element, kind).body = body
        played._see(message.delta)
        return played.answered

    assert hear(html="<p>What the network sees</p>") is None
    answered = hear(html='<div class="bars">')
    assert answered and hear(markdown="Your last drawings") == answered
    several = hear(markdown=f"small reads 2 {visitor.SEVERAL}.")
    assert several > answered
    assert hear(markdown="small reads no digit: this may be two that touch.") > several


def test_memory_is_measured_of_all_that_a_recipe_is_but_its_length():
    rows = [{"recipe": "a", "train_worker_mb": 7.0}, {"recipe": "b", "train_worker_mb": 9.0}]
    assert memory.document(rows)["most_mb"] == 9.0
    for recipe in RECIPES.values():
        config = memory.shortened(recipe.config)
        lengths = {"training.epochs": recipe.config.training.epochs, "training.steps": recipe.config.training.steps}
        assert config.replace(lengths) == recipe.config
        short = config.epochs == 1 or config.training.steps == memory.STEPS
        assert short or recipe.config.architecture.family == "classical"


def test_digits_of_others_are_placed_whole_and_either_way_round():
    coarse = np.zeros((6, 8, 8), np.uint8)
    coarse[:, 1:7, 3:5] = 16
    sheets = handwriting.placed(coarse, np.random.default_rng(0))
    assert sheets.shape == (6, handwriting.PAPER, handwriting.PAPER) and sheets.dtype == np.uint8
    for number, sheet in enumerate(sheets):
        ink = 255 - sheet if number % 2 == 0 else sheet
        assert ink[0].max() == 0 and ink.max() > 200
    assert len({sheet.tobytes() for sheet in sheets}) == 6
