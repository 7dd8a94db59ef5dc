"""``train``: put a run in the queue, watch it to its end, and say what came of it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from tqdm import tqdm

from mnist_core.cli.command import (
    PROGRAM,
    Command,
    UsageError,
    engine,
    json_option,
    open_store,
    print_json,
    progress,
    tell,
    watch,
)
from mnist_core.cli.runs import result
from mnist_core.cli.settings import listing
from mnist_core.config import RunConfig, parse_value
from mnist_core.engine.client import EngineClient
from mnist_core.errors import ConfigError
from mnist_core.recipes import RECIPES, recipe
from mnist_core.store import RunStore
from mnist_core.store.run import Run


def _arguments(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--recipe", metavar="NAME", help=f"start from {', '.join(RECIPES)} (default: quick)")
    source.add_argument("--config", metavar="FILE", help="start from a JSON file with settings")
    parser.add_argument("--set", metavar="KEY=VALUE", action="extend", nargs="+", default=[], help="change settings")
    parser.add_argument("--name", default="", help="what to call the run")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    config, recipe_name = configuration(options.recipe, options.config, options.set)
    settings, store = open_store()
    with engine(settings, store) as client:
        # Only now, so that nothing is left in the queue when there is no engine to train it.
        run_id = store.create(config, options.name, recipe_name)
        run = follow(store, client, run_id)
    if options.json:
        print_json(result(run))
    elif run.usable:
        print(_summary(run))
    if not run.usable:
        tell(run.message or f"The run {run.id} is {run.status} after {run.step:,} steps and has no model.")
    return 0 if run.usable else 1


def configuration(name: str | None, file: str | None, changes: list[str]) -> tuple[RunConfig, str]:
    """The configuration asked for, and the name of the recipe if it is one unchanged.

    Raises:
        ConfigError: unknown recipe or setting, or a value that is not allowed.
        UsageError: no such file, or a change without ``=``.
    """
    start = _from_file(file) if file else recipe(name or "quick").config
    config = start.replace(dict(_change(text) for text in changes))
    return config, "" if file or config != start else (name or "quick")


def _from_file(file: str) -> RunConfig:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"The configuration {file!r} cannot be read ({error.strerror}).") from None
    try:
        return RunConfig.parse(data)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None


def _change(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise UsageError(f"--set takes KEY=VALUE such as training.epochs=3, not {text!r}.")
    return key.strip(), parse_value(value.strip())


def follow(store: RunStore, client: EngineClient, run_id: str, every_epoch: bool = True) -> Run:
    """Shows a run's progress until it ends, and gives it. Ctrl-C stops the run, once more leaves it alone.

    Args:
        every_epoch: writes a line for each.
    """
    epoch = 0
    with progress(desc=store.get(run_id).status, unit=" steps") as bar:

        def look() -> Run | None:
            nonlocal epoch
            run = store.get(run_id)
            epoch = _show(bar, run, store.epochs(run_id, after=epoch) if every_epoch else []) or epoch
            return None if run.active else run

        return watch(look, client, lambda: store.ask(run_id, "stop"), kept="what it has learned")


def _show(bar: tqdm, run: Run, rows: list[dict[str, Any]]) -> int:
    """Moves the bar, writes a line for every new epoch, and gives the number of the last one."""
    if run.steps and bar.total != run.steps:
        bar.reset(run.steps)  # The time in the queue is over; from now on the bar tells the pace of training.
    bar.set_description(run.status, refresh=False)
    for row in rows:
        unit = run.settings.architecture.unit.capitalize()
        text = f"{unit} {row['epoch']}/{run.settings.epochs}: "
        text += f"loss {row['loss']:.4f}, {row['accuracy']:.2%} right"
        if row["val_loss"] is not None:
            text += f"; held out: loss {row['val_loss']:.4f}, {row['val_accuracy']:.2%} right"
        tell(f"{text}; {row['seconds']:.1f} s")
    bar.update(run.step - bar.n)
    if run.ended_early:
        bar.total = run.step
    return rows[-1]["epoch"] if rows else 0


def _summary(run: Run) -> str:
    pace = result(run)["images_per_second"]
    early = f" early after epoch {run.epoch} of {run.settings.epochs}" if run.ended_early else ""
    return (
        f"{run.status.capitalize()}{early}: {run.test_accuracy:.2%} of the test images right, "
        f"loss {run.test_loss:.4f}; {run.train_seconds:.1f} s of training, {pace or 0:,.0f} images/s.\n"
        f"It is run {run.id}. See it with `make run`, or let it read digits: "
        f"{PROGRAM} predict --model {run.id} IMAGE"
    )


COMMAND = Command(
    "train",
    "Train a network and say how well it reads the test images.",
    _arguments,
    _run,
    (
        "--recipe quick",
        "--recipe quick --set training.epochs=2 optimizer.name=sgd optimizer.learning_rate=0.1",
        "--set architecture.name=cnn --set architecture.hidden_units=64,32 --json",
    ),
    f"settings for --set, as KEY=DEFAULT and what is allowed (`{PROGRAM} settings` explains each):\n"
    f"{listing(explained=False)}",
)
