"""Named configurations: a place to start from, and eleven published systems with what their authors reported."""

from __future__ import annotations

from mnist_core.config import RunConfig
from mnist_core.errors import UnknownRecipe
from mnist_core.recipes.classical import RANDOM_FOREST, SGD_CLASSIFIER
from mnist_core.recipes.convolutional import CNN_32_64_64, CNN_LAYERS
from mnist_core.recipes.keras_networks import (
    MLP_100_64_32,
    MLP_100_64_32_FUNCTIONAL,
    MLP_100_100,
    SOFTMAX_KERAS,
    SUBCLASSED_MLP,
)
from mnist_core.recipes.own import CHAMPION, CNN_FAST, FLAGSHIP, QUICK, TINY
from mnist_core.recipes.raw_variables import LOGREG_EPOCHS, LOGREG_FUNCTIONS, LOGREG_STEPS
from mnist_core.recipes.recipe import MEASURES, Recipe

__all__ = ["MEASURES", "PUBLISHED", "RECIPES", "Recipe", "recipe", "recipe_of"]

PUBLISHED: tuple[Recipe, ...] = (
    SUBCLASSED_MLP,
    RANDOM_FOREST,
    LOGREG_STEPS,
    LOGREG_EPOCHS,
    LOGREG_FUNCTIONS,
    MLP_100_64_32,
    SOFTMAX_KERAS,
    MLP_100_100,
    CNN_32_64_64,
    SGD_CLASSIFIER,
    CNN_LAYERS,
)
"""The published systems, in the order of their table in ``docs/reproduction.md``."""

VARIANTS: tuple[Recipe, ...] = (MLP_100_64_32_FUNCTIONAL,)
"""Published systems in another form that their authors gave them. The table has the system itself."""

OWN: tuple[Recipe, ...] = (QUICK, CNN_FAST, TINY, CHAMPION, FLAGSHIP)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (*OWN, *PUBLISHED, *VARIANTS)}


def recipe(name: str) -> Recipe:
    """The recipe of this name; ``UnknownRecipe`` lists those that there are."""
    if name not in RECIPES:
        raise UnknownRecipe(f"There is no recipe {name[:40]!r}. There are {', '.join(RECIPES)}.")
    return RECIPES[name]


def recipe_of(name: str, config: RunConfig) -> Recipe | None:
    """The recipe that a run is of: by the name kept with it, else by its configuration, whatever its seed."""
    if name in RECIPES:
        return RECIPES[name]
    systems = (*PUBLISHED, *VARIANTS)
    # Copied, not made anew: pages ask with each look at a run, and every making is checked in full.
    copies = (config.model_copy(update={"seed": found.config.seed}) for found in systems)
    return next((found for found, copy in zip(systems, copies, strict=True) if copy == found.config), None)
