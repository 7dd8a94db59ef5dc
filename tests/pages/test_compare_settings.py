"""What the Compare page says of settings that differ, and whether a comparison is fair."""

import json

import pytest

from mnist_core.config import RunConfig
from tests.pages.conftest import words


@pytest.mark.parametrize("change", [{"split_seed": 7}, {"split": "stratified"}, {"validation_fraction": 0.2}])
def test_runs_judged_by_other_images_are_no_fair_comparison(visit, finish, change):
    app = visit("Compare", runs=f"{finish('one', RunConfig())},{finish('two', RunConfig.parse({'data': change}))}")
    assert not app.success
    (setting,) = change
    assert f"Only one thing changed: `data.{setting}`. But it decides which images are held out" in words(app, "info")


def test_another_setting_of_the_data_is_fair(visit, finish):
    unscaled = finish("two", RunConfig.parse({"data": {"scaled": False}}))
    app = visit("Compare", runs=f"{finish('one', RunConfig())},{unscaled}")
    assert "That is a fair comparison" in words(app, "success")


def test_a_run_that_is_called_setting_hides_no_settings(visit, finish):
    named = finish("setting", RunConfig(seed=5))
    app = visit("Compare", runs=f"{finish('one', RunConfig())},{named}")
    table = next(frame.value for frame in app.dataframe if "setting" in frame.value and "one" in frame.value)
    assert list(table.columns) == ["setting", "one", f"setting ({named})"]
    assert table.values.tolist() == [["seed", "1", "5"]]
    assert "Only one thing changed: `seed`" in words(app, "success")


def test_layers_that_begin_from_the_same_weights_are_named(visit, finish, store):
    two = finish("one"), finish("two")
    assert "Not known of all of these runs" in words(visit("Compare", runs=",".join(two)), "markdown")
    for run_id, output in zip(two, ("bb", "cc"), strict=True):
        store.record(run_id, {}, files={"start": json.dumps({"dense": "aa", "output": output}).encode()})
    text = words(visit("Compare", runs=",".join(two)), "markdown")
    assert "**First weights.** The same in all that have it: dense." in text
    assert "Not the same, by seed or shape, or in one alone: output. **Order.**" in text
