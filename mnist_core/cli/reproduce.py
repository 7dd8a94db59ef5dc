"""``reproduce``: train published systems, and hold what they reach against what their authors reported."""

from __future__ import annotations

import argparse
import os
import time
from datetime import datetime, timezone
from pathlib import Path

from mnist_core.cli.command import (
    PROGRAM,
    Command,
    UsageError,
    engine,
    json_option,
    open_store,
    print_json,
    tell,
)
from mnist_core.cli.train import follow
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.errors import ConfigError
from mnist_core.recipes import PUBLISHED, Recipe, recipe
from mnist_core.recipes.reproduction import Attempt, Reproduction, document
from mnist_core.store import RunStore
from mnist_core.store.run import Run

DOCUMENT = Path(__file__).parents[2] / "docs" / "reproduction.md"
MOST_SEEDS = 20


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="recipes, as `recipes` lists them (default: all)")
    parser.add_argument("--quick", action="store_true", help="only those that take seconds")
    parser.add_argument("--seeds", type=_seeds, default=1, metavar="N", help="train each so often (default: 1)")
    resumes = "count runs of the same settings that have finished here before, and train only the rest"
    parser.add_argument("--resume", action="store_true", help=resumes)
    parser.add_argument("--write", action="store_true", help="write the table of all into docs/reproduction.md")
    json_option(parser)


def _seeds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_SEEDS:
        raise argparse.ArgumentTypeError(f"it is a whole number from 1 to {MOST_SEEDS}, not {text!r}")
    return int(text)


def chosen(names: list[str], quick: bool) -> list[Recipe]:
    """The published systems asked for.

    Raises:
        UsageError: a recipe without published figures, or nothing left.
        UnknownRecipe: no recipe of that name.
    """
    recipes = [recipe(name) for name in dict.fromkeys(names)] or list(PUBLISHED)
    for found in recipes:
        if not found.published:
            raise UsageError(f"{found.name} is our own recipe: there is no published figure to compare with.")
    recipes = [found for found in recipes if not (quick and found.costly)]
    if not recipes:
        raise UsageError("None of these takes only seconds. Leave out --quick to train them all the same.")
    return recipes


def _run(options: argparse.Namespace) -> int:
    recipes = chosen(options.names, options.quick)
    if options.write and recipes != list(PUBLISHED):
        raise UsageError("--write makes the whole table anew, so it takes all recipes: leave out names and --quick.")
    if options.write and not DOCUMENT.parent.is_dir():
        raise UsageError(f"There is no folder {DOCUMENT.parent} to write into.")
    settings, store = open_store()
    done: list[Reproduction] = []
    with engine(settings, store) as client:
        for number, found in enumerate(recipes, 1):
            done.append(Reproduction(found))
            for seed in range(found.config.seed, found.config.seed + options.seeds):
                tell(f"{number} of {len(recipes)}: {found.name}, seed {seed}")
                config = found.config.replace({"seed": seed})
                run = _finished_before(store, config) if options.resume else None
                run = run or _train(store, client, found, config)
                done[-1].attempts.append(_attempt(store, found, run))
                if options.write and len(done) == len(recipes):
                    # The last one takes long: the table does not wait for all its seeds, but never lacks a recipe.
                    _write(done, options, run.device)
            if not options.json:
                print(done[-1].line(), flush=True)
    if options.json:
        print_json([reproduction.row() for reproduction in done])
    if options.write:
        tell(f"Written into {DOCUMENT}.")
    return 0 if all(reproduction.within for reproduction in done) else 1


def _finished_before(store: RunStore, config: RunConfig) -> Run | None:
    marked = (run for run in store.list(statuses=("finished",)) if run.test_accuracy is not None)
    return next((run for run in marked if _is_of(run, config)), None)


def _is_of(run: Run, config: RunConfig) -> bool:
    """Whether a run has this configuration; one that was kept before a setting existed has its default."""
    try:
        return run.settings == config
    except ConfigError:
        return False  # of another version, which allowed what is not allowed now


def _write(done: list[Reproduction], options: argparse.Namespace, device: str) -> None:
    cores = f"{len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count()} cores"
    today = datetime.now(timezone.utc).date().isoformat()
    DOCUMENT.write_text(document(done, _command(options), today, f"{cores} of {device}"), encoding="utf-8")


def _train(store: RunStore, client: EngineClient, found: Recipe, config: RunConfig) -> Run:
    own = config == found.config
    run_id = store.create(config, "" if own else f"{found.name}, seed {config.seed}", found.name if own else "")
    run = follow(store, client, run_id, every_epoch=False)
    if run.status == "stopped":
        raise KeyboardInterrupt
    if run.status != "finished":
        tell(run.message or f"The run {run.id} is {run.status}.")
    return run


def _attempt(store: RunStore, found: Recipe, run: Run) -> Attempt:
    seconds = (run.ended or time.time()) - (run.started or run.created)
    figures = found.measured(run, store.last_epoch(run.id)) if run.status == "finished" else {}
    return Attempt(run.settings.seed, figures, seconds)


def _command(options: argparse.Namespace) -> str:
    return f"{PROGRAM} reproduce --seeds {options.seeds}{' --resume' if options.resume else ''} --write"


COMMAND = Command(
    "reproduce",
    "Train published systems and compare them with the figures of their authors.",
    _arguments,
    _run,
    ("", "--quick --json", "softmax-keras mlp-100-100 --seeds 3"),
    "Exit code 1 says that a figure is further from the published one than the recipe's tolerance.\n"
    "With several seeds the mean is compared.",
)
