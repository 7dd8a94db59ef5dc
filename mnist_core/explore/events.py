"""Runs as TensorBoard event files, for those who know their way there."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mnist_core.store import RunStore
from mnist_core.store.run import Run

TAGS = {
    "loss": "loss/training",
    "val_loss": "loss/validation",
    "accuracy": "accuracy/training",
    "val_accuracy": "accuracy/validation",
    "learning_rate": "learning_rate",
}


def tensorboard(store: RunStore, runs: Sequence[Run]) -> bytes:
    """A ZIP with a folder per run: unpack it and point ``tensorboard --logdir`` at it.

    Scalars stand over epochs; the batches' loss and accuracy over steps.
    """
    from tensorboardX import SummaryWriter  # writes the format without TensorFlow

    packed = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for run in runs:
            here = Path(folder, run.id)
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
                archive.write(file, f"{run.id}/{file.name}")
    return packed.getvalue()
