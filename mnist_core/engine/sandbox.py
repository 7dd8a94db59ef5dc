"""Restores an uploaded model in a process of its own, which is ended when it takes too long or too much memory.

So a file that hangs or breaks the libraries that read it costs nobody but its sender. The worker itself only ever
loads what that process has saved anew.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from mnist_core.config import RunConfig
from mnist_core.errors import ModelFileError
from mnist_core.models.upload import Upload

log = logging.getLogger("mnist_core.worker")

MEMORY = 3 * 2**30
"""TensorFlow and the test images take 0.8 GB before there is any model."""

LOOK_SECONDS = 0.05
LAST_WORDS = 2000
"""Characters of a process's complaints that go into the engine's log."""


@dataclass(frozen=True)
class Accepted:
    """What the process made of an upload: a ``.keras`` file of ours, and the run that it becomes.

    ``probabilities`` are ``.npy`` bytes, ``float32 (10000, 10)``. ``changes`` are sentences for the run's diary.
    """

    model: bytes
    probabilities: bytes
    config: RunConfig
    test_loss: float
    test_accuracy: float
    changes: tuple[str, ...]


def restore(upload: Upload, seconds: int, memory: int = MEMORY) -> Accepted:
    """Vets, builds and scores an upload.

    Raises:
        ModelFileError: saying why it is not accepted; nothing of it is left.
    """
    with tempfile.TemporaryDirectory(prefix="mnist-lab-upload-") as name:
        folder = Path(name)
        (folder / "model").write_bytes(upload.model)
        (folder / "weights").write_bytes(upload.weights)
        given = {"name": upload.name, "scaled": upload.scaled, "seconds": seconds + 5}
        (folder / "upload.json").write_text(json.dumps(given), encoding="utf-8")
        _run(folder, seconds, memory)
        if (refused := folder / "refused.txt").exists():
            raise ModelFileError(refused.read_text(encoding="utf-8"))
        result = json.loads((folder / "result.json").read_text(encoding="utf-8"))
        config = RunConfig.parse(result.pop("config"))
        model, probabilities = (folder / "model.keras").read_bytes(), (folder / "probabilities.npy").read_bytes()
        return Accepted(model, probabilities, config, changes=tuple(result.pop("changes")), **result)


def _run(folder: Path, seconds: int, memory: int) -> None:
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-m", "mnist_core.models.restore", str(folder)]
    with open(folder / "log", "wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=folder
        )
    try:
        _watch(process, seconds, memory)
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        words = (folder / "log").read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:]
        log.warning("an uploaded model broke the process that read it (%s):\n%s", process.returncode, words)
        raise ModelFileError("The file is so damaged or so made that reading it broke off. Save the model again.")


def _watch(process: subprocess.Popen, seconds: int, memory: int) -> None:
    deadline = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > deadline:
            raise ModelFileError(
                f"Reading the model and the test images with it took longer than {seconds} s, so it was given up. Use "
                f"a smaller network, or allow more by MNIST_LAB_UPLOAD_SECONDS."
            )
        with suppress(psutil.Error):  # it has just ended
            if psutil.Process(process.pid).memory_info().rss > memory:
                raise ModelFileError(
                    f"The model takes more than {memory // 2**20:,} MB of memory to read images, so it was given up. "
                    f"Use a smaller network."
                )
        time.sleep(LOOK_SECONDS)
