"""``sweep``: search over settings, watch it to its end, and say which did best on held-out images."""

from __future__ import annotations

import argparse
import json
from typing import Any

from mnist_core.cli.command import PROGRAM, Command, engine, json_option, open_store, progress, tell, watch
from mnist_core.cli.train import configuration
from mnist_core.config import RunConfig
from mnist_core.engine.client import EngineClient
from mnist_core.explore.design import Design, Search, make_search
from mnist_core.explore.questions import HELD_OUT
from mnist_core.explore.results import OBJECTIVE_WORDS, best_setting, best_trial, front
from mnist_core.explore.size import BLOCKS, FILTERS, LAYERS, UNITS
from mnist_core.explore.space import Dimension, shown
from mnist_core.parts import plain
from mnist_core.recipes import RECIPES, recipe
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.store.sweeps import SweepStore

LOOK_SECONDS = 0.2
HELD_OUT_KEY = "data.validation_fraction"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipe", metavar="NAME", default="quick", help=f"start from {', '.join(RECIPES)}")
    parser.add_argument("--set", metavar="KEY=VALUE", action="extend", nargs="+", default=[], help="change settings")
    parser.add_argument(
        "--over", metavar="KEY=RANGE", action="extend", nargs="+", required=True,
        help="what varies: KEY=0..0.5, KEY=log:1e-5..1 (by factors), KEY=log:1e-5..1:11 (points of a grid), KEY=A|B",
    )  # fmt: skip
    for spec in Search.specs():
        kind = int if spec.kind == "integer" else str
        allowed = {"choices": spec.choices} if spec.kind == "choice" else {"metavar": "N"}
        help_ = f"{spec.help} (default: {spec.default})"
        parser.add_argument(f"--{spec.name}", type=kind, default=spec.default, help=help_, **allowed)
    parser.add_argument("--name", default="", help="what to call the sweep")
    json_option(parser)


def _run(options: argparse.Namespace) -> int:
    space = tuple(Dimension.parse(text) for text in options.over)
    base = _base(options, varied={dimension.key for dimension in space})
    search = make_search({spec.name: getattr(options, spec.name) for spec in Search.specs()})
    design = Design(base, space, search).check()
    for sentence in design.cautions:
        tell(sentence)
    settings, store = open_store()
    sweeps = SweepStore(store.database)
    with engine(settings, store) as client:
        sweep_id = sweeps.create(design, options.name)
        sweep = follow(sweeps, client, sweep_id)
    trials = sweeps.trials(sweep_id)
    document = result(sweep, trials)
    if options.json:
        print(json.dumps(document))
    elif document["best_run_id"]:
        value = f"{document['best_value']:.4f}"
        print(f"Best single run of {document['trials']} trials on the held-out images: {value} with")
        print(f"  {shown(document['best_params'])}")
        print(f"It is run {document['best_run_id']} of sweep {sweep_id}; the test set has not been looked at.")
        _print_front(sweep, trials)
    if setting := best_setting(sweep, trials):
        say = tell if options.json else print  # The JSON has what is asked of a sweep, and no more.
        say(f"Best mean over seeds: {setting.mean:.4f}, of {setting.seeds} seeds with {setting.name}")
    if sweep.message:
        tell(sweep.message)
    elif not document["best_run_id"]:
        tell("No trial was completed, so there is no best one. Its page under Explore says why.")
    return 0 if document["best_run_id"] else 1


def _base(options: argparse.Namespace, varied: set[str]) -> RunConfig:
    """The recipe with what was set; where it holds no images out, as some published ones do, a part is."""
    named = {text.partition("=")[0].strip() for text in options.set} | varied
    if recipe(options.recipe).config.data.validation_fraction or HELD_OUT_KEY in named:
        return configuration(options.recipe, None, options.set)[0]
    tell(
        f"{options.recipe} holds no images out, and trials are compared by such: {HELD_OUT:.0%} are held out "
        f"({HELD_OUT_KEY}={HELD_OUT})."
    )
    return configuration(options.recipe, None, [f"{HELD_OUT_KEY}={HELD_OUT}", *options.set])[0]


def result(sweep: Sweep, trials: list[Trial]) -> dict[str, Any]:
    """What came of a sweep, for JSON. With two objectives the best is that of the first, and the ids of all runs on the
    Pareto front stand with it.

    ``best_value`` is that of one run, also where seeds were repeated.
    """
    best = best_trial(sweep, trials)
    several = {"front": [trial.run_id for trial in front(sweep, trials)]} if len(sweep.objectives) > 1 else {}
    return {
        "sweep_id": sweep.id,
        "trials": sum(not trial.open for trial in trials),
        "best_run_id": best and best.run_id,
        "best_value": best and best.value,
        "best_params": best.params if best else {},
    } | several


def _print_front(sweep: Sweep, trials: list[Trial]) -> None:
    """With two objectives, all trials that none beats in both."""
    if found := front(sweep, trials):
        print(f"On the Pareto front ({' and '.join(OBJECTIVE_WORDS[metric] for metric, _ in sweep.objectives)}):")
    for trial in found:
        second = plain(round(trial.second, 2))
        print(f"  {trial.run_id or 'deleted'}  {trial.value:.4f} and {second} with {shown(trial.params)}")


def follow(sweeps: SweepStore, client: EngineClient, sweep_id: str) -> Sweep:
    """Shows progress until the sweep ends. Ctrl-C stops it, once more leaves it alone."""
    with progress(desc="searching", unit=" trials", total=sweeps.get(sweep_id).trials) as bar:

        def look() -> Sweep | None:
            sweep, trials = sweeps.get(sweep_id), sweeps.trials(sweep_id)
            best = best_trial(sweep, trials)
            if best:
                bar.set_postfix_str(f"best {best.value:.4f}", refresh=False)
            bar.update(sum(not trial.open for trial in trials) - bar.n)
            return None if sweep.active else sweep

        return watch(look, client, lambda: sweeps.stop(sweep_id), kept="what was found", seconds=LOOK_SECONDS)


COMMAND = Command(
    "sweep",
    "Search over settings: many trials, compared on held-out images.",
    _arguments,
    _run,
    (
        "--recipe quick --over optimizer.learning_rate=log:1e-5..1 --trials 20",
        f"--over {UNITS}=log:16..256 architecture.dropout=0..0.5 --set training.epochs=3 data.subset=10000 --json",
        "--over optimizer.name='sgd|adam' --over optimizer.learning_rate=log:1e-4..1:5 --sampler grid --trials 10",
    ),
    f"Settings are those of `{PROGRAM} settings`; {LAYERS} and {UNITS} are number and width of hidden layers, "
    f"{BLOCKS} and {FILTERS} number and filters of a CNN's blocks.",
)
