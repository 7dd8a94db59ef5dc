"""NVIDIA GPUs as their driver knows them, without TensorFlow; and what to do where TensorFlow cannot use one."""

from __future__ import annotations

import os
import re
import subprocess

UNUSED = "An NVIDIA GPU is here, but this TensorFlow cannot use it, so everything runs on the processor"
UNUSED_BY_WORKER = "A worker on {host} has an NVIDIA GPU that its TensorFlow cannot use: it computes on the processor"
MEND = (
    'Install the GPU build with pip install "tensorflow[and-cuda]" and start MNIST Lab again; if it is installed, '
    "renew the GPU's driver."
)

NAME = re.compile(r"\d+|(GPU|MIG)-.+")
"""Of a GPU in ``CUDA_VISIBLE_DEVICES``; others, as ``-1`` and Slurm's ``NoDevFiles``, say that there is none."""


def visible_gpus() -> list[str]:
    """GPUs that this process may use, by the names that ``CUDA_VISIBLE_DEVICES`` takes."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu.strip() for gpu in visible.split(",") if NAME.fullmatch(gpu.strip())]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(i) for i in range(sum(line.startswith("GPU ") for line in listing.stdout.splitlines()))]
