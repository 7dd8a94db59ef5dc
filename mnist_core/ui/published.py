"""What the author of a published system reported, beside what a run here has found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.recipes import MEASURES, Recipe, recipe_of
from mnist_core.store.run import Run
from mnist_core.ui.lab import Lab
from mnist_core.ui.words import percent


def published_recipe(run: Run) -> Recipe | None:
    """The published system that the run is of, if it is of one."""
    try:
        found = recipe_of(run.recipe, run.settings)
    except ConfigError:
        return None  # made by another version
    return found if found and found.published else None


def comparison(run: Run, last_epoch: Mapping[str, Any] | None) -> None:
    """A table *published / here / difference*, and whether the difference is one that chance explains."""
    recipe = published_recipe(run)
    if recipe is None:
        return
    here = recipe.measured(run, last_epoch)
    rows = ["| | published | here | difference |", "| --- | ---: | ---: | ---: |"]
    for key, there in recipe.published.items():
        found = here.get(key)
        difference = "–" if found is None else _difference(key, found - there)
        rows.append(f"| {MEASURES[key]} | {_shown(key, there)} | {_shown(key, found)} | {difference} |")
    st.markdown(f"**As published?** {recipe.source}.\n\n" + "\n".join(rows))
    if recipe.measure in here and run.status == "finished":
        words = "Within" if recipe.allows(here[recipe.measure], run.parameters) else "Outside of"
        allowed = f"{100 * recipe.tolerance:.1f} percentage points"
        st.caption(f"{words} the tolerance of {allowed} in {MEASURES[recipe.measure]}. {recipe.reason}")


def beside_published(lab: Lab, runs: list[Run]) -> list[dict[str, float | None]]:
    """For a table of runs: what was ``published`` and the ``difference`` in percentage points, of the figure by which
    a recipe is judged. Empty if none of the runs is of a published system.
    """
    recipes = [published_recipe(run) for run in runs]
    if not any(recipes):
        return [{}] * len(runs)
    return [_beside(lab, run, found) for run, found in zip(runs, recipes, strict=True)]


def _beside(lab: Lab, run: Run, recipe: Recipe | None) -> dict[str, float | None]:
    if recipe is None:
        return {"published": None, "difference": None}
    there = recipe.published[recipe.measure]
    last = lab.store.last_epoch(run.id) if recipe.measure.startswith("val_") else None
    here = recipe.measured(run, last).get(recipe.measure)
    return {"published": there, "difference": None if here is None else 100 * (here - there)}


def report_rows(recipe: Recipe) -> list[dict[str, Any]]:
    """The published report digit by digit, for a table beside our own."""
    names = ("precision", "recall", "f1", "support")
    return [{"class": str(digit), **dict(zip(names, row, strict=True))} for digit, row in enumerate(recipe.report)]


def points(run: Run) -> list[Mapping[str, Any]]:
    """Rows for the dashed overlay of a run's curves."""
    recipe = published_recipe(run)
    if recipe is None:
        return []
    rows: list[Mapping[str, Any]] = list(recipe.curve)
    if (test := recipe.published.get("test_accuracy")) is not None:
        rows += [{"epoch": epoch, "test_accuracy": test} for epoch in (0, run.settings.epochs)]
    if "val_accuracy" in recipe.published and not recipe.curve:
        rows.append({"epoch": run.settings.epochs, "val_accuracy": recipe.published["val_accuracy"]})
    return rows


def _shown(key: str, value: float | None) -> str:
    if value is None:
        return "–"
    if key == "parameters":
        return f"{value:,}"
    return percent(value) if key.endswith("accuracy") else f"{value:.4f}"


def _difference(key: str, value: float) -> str:
    if key == "parameters":
        return f"{value:+,}"
    return f"{100 * value:+.2f} points" if key.endswith("accuracy") else f"{value:+.4f}"
