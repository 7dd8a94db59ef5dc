"""``runs``: what has been trained, and putting an end to it. Here stands too how a run is told as JSON."""

from __future__ import annotations

import argparse
import json
import time
from datetime import datetime, timezone
from typing import Any

from mnist_core.cli.command import PROGRAM, Command, UsageError, json_option, open_store, print_json
from mnist_core.errors import ConfigError, UnknownRun
from mnist_core.store import RunStore
from mnist_core.store.run import Run
from mnist_core.store.shipped import FLAGSHIP

NAME_WIDTH = 40


def result(run: Run) -> dict[str, Any]:
    """What came of a run, for JSON; ``None`` for what is not known (yet). ``epochs``: completed."""
    return {
        "run_id": run.id,
        "status": run.status,
        "epochs": run.epoch,
        "parameters": run.parameters,
        "train_seconds": run.train_seconds,
        "images_per_second": run.images_trained / run.train_seconds if run.train_seconds else None,
        "test_loss": run.test_loss,
        "test_accuracy": run.test_accuracy,
    }


def table(rows: list[Run]) -> str:
    """Runs as aligned columns."""
    lines = [("id", "name", "status", "accuracy", "epochs", "created")]
    for run in rows:
        # Names come from anybody: a line break or an escape sequence must not reach the terminal.
        name = "".join(char if char.isprintable() else " " for char in run.name)
        name = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"
        accuracy = "" if run.test_accuracy is None else f"{run.test_accuracy:.2%}"
        created = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.created))
        lines.append((run.id, name, run.status, accuracy, str(run.epoch), created))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        f"{run:{widths[0]}}  {name:{widths[1]}}  {status:{widths[2]}}  {accuracy:>{widths[3]}}  "
        f"{epochs:>{widths[4]}}  {created}"
        for run, name, status, accuracy, epochs, created in lines
    )


def _arguments(parser: argparse.ArgumentParser) -> None:
    json_option(parser)
    parser.add_argument("--stop", metavar="RUN", action="append", default=[], help="stop it first, whosever it is")
    parser.add_argument("--delete", metavar="RUN", action="append", default=[], help="delete it first, for good")


def _run(options: argparse.Namespace) -> int:
    _, store = open_store()
    stopped, deleted = dict.fromkeys(options.stop), dict.fromkeys(options.delete)
    _require_all(store, [*stopped, *deleted])
    for run_id in stopped:
        store.ask(run_id, "stop")
    for run_id in deleted:
        store.delete(run_id)
    rows = store.list()
    if options.json:
        print_json([_entry(run) for run in rows])
    elif rows:
        print(table(rows))
    else:
        print(f"There are no runs yet. Make one: {PROGRAM} train")
    return 0


def _require_all(store: RunStore, run_ids: list[str]) -> None:
    """Before anything is done to one of them, since what is deleted is deleted for good."""
    if FLAGSHIP in run_ids:
        raise UsageError(
            f"The run {FLAGSHIP!r} comes with MNIST Lab and can be neither stopped nor deleted. Nothing was."
        )
    unknown = []
    for run_id in dict.fromkeys(run_ids):
        try:
            store.get(run_id)
        except UnknownRun:
            unknown.append(repr(run_id))
    if unknown:
        found = "There is no run" if len(unknown) == 1 else "There are no runs"
        raise UsageError(f"{found} {', '.join(unknown)}: `{PROGRAM} runs` lists all. Nothing was stopped or deleted.")


def _entry(run: Run) -> dict[str, Any]:
    created = datetime.fromtimestamp(run.created, timezone.utc).isoformat(timespec="seconds")
    about = {key: getattr(run, key) for key in ("name", "note", "recipe", "message")}
    try:
        config = run.settings.model_dump(mode="json")
    except ConfigError:  # another version of MNIST Lab wrote it: as it stands there
        config = json.loads(run.config)
    return result(run) | about | {"created": created, "config": config}


COMMAND = Command("runs", "List all runs, newest first; stop or delete some.", _arguments, _run, ("", "--json"))
