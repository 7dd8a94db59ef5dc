"""Runs as TensorBoard event files, for those who know their way there."""

from __future__ import annotations

import io
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mnist_core.store import RunStore
from mnist_core.store.run import Run

NAME_LENGTH = 40

TAGS = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
}


def tensorboard(store: RunStore, runs: Sequence[Run]) -> bytes:
    """A ZIP with a folder per run, of its name and id: unpack it and point ``tensorboard --logdir`` at it.

    Scalars stand over epochs; the batches' loss and accuracy over steps.
    """
    from tensorboardX import SummaryWriter  # writes the format without TensorFlow

    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            here = Path(folder, folder_name(run))
            with SummaryWriter(str(here)) as writer:
                moment = run.started or run.created
                for row in store.epochs(run.id):
                    moment += row["seconds"] or 0.0
                    for column, tag in TAGS.items():
                        if row[column] is not None:
                            writer.add_scalar(tag, row[column], row["epoch"], moment)
                for row in store.batches(run.id):
                    for column in ("loss", "accuracy"):
                        writer.add_scalar(f"batches/{column}", row[column], row["step"], run.started or run.created)
                writer.add_text("settings", f"```json\n{run.config}\n```", 0, run.created)
            for file in sorted(here.iterdir()):
                archive.write(file, f"{here.name}/{file.name}")
    return packed.getvalue()


def folder_name(run: Run) -> str:
    """What TensorBoard calls a run: its name in letters that every file system takes, and its id, which is its own."""
    plain = unicodedata.normalize("NFKD", run.name).encode("ascii", "ignore").decode()
    name = re.sub(r"[^A-Za-z0-9.]+", "-", plain)[:NAME_LENGTH].strip("-.")
    return f"{name}-{run.id}" if name else run.id
