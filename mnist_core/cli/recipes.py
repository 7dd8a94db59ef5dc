"""``recipes``: the named configurations there are."""

from __future__ import annotations

import argparse
from typing import Any

from mnist_core.cli.command import Command, json_option, print_json
from mnist_core.recipes import RECIPES, Recipe


def _run(options: argparse.Namespace) -> int:
    if options.json:
        print_json([_entry(recipe) for recipe in RECIPES.values()])
        return 0
    width = max(map(len, RECIPES))
    for recipe in RECIPES.values():
        print(f"{recipe.name:{width}}  {recipe.title}: {recipe.config.summary()}{_figure(recipe)}")
    return 0


def _figure(recipe: Recipe) -> str:
    if not recipe.published:
        return ""
    return f"; published {recipe.measure_in_words} {recipe.published[recipe.measure]:.2%}"


def _entry(recipe: Recipe) -> dict[str, Any]:
    """``published`` maps figures to what was reported; ``parameters`` is ``None`` where only fitting decides them."""
    return {
        "name": recipe.name,
        "source": recipe.source,
        "architecture": recipe.config.architecture.model_dump(mode="json"),
        "parameters": recipe.config.parameters or None,
        "published": dict(recipe.published),
        "title": recipe.title,
        "summary": recipe.config.summary(),
    }


COMMAND = Command(
    "recipes",
    "List the recipes: published systems by name, with the figures that their authors reported.",
    json_option,
    _run,
    ("", "--json"),
)
