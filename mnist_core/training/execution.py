"""Where and how a run is computed: device, precision and compiler, chosen by rule and told to the reader."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.errors import EngineError
from mnist_core.gpus import MEND

BFLOAT16 = {"amx_bf16", "avx512_bf16"}
"""Instruction sets with which x86 processors compute with 16 bits, as Linux names them. ARM processors may have some
too, but whether TensorFlow gains from them there is not known: to find out, ask for bfloat16."""

AMPERE = (8, 0)
"""Compute capability of the first NVIDIA GPUs with bfloat16 (CUDA C++ Programming Guide, "Compute Capabilities")."""


@dataclass(frozen=True)
class Execution:
    """``device`` for TensorFlow, what to call it, ``precision``, whether XLA compiles the loop, and why."""

    device: str
    device_name: str
    precision: str
    xla: bool
    reason: str


def choose(config: RunConfig) -> Execution:
    """Chooses for this process. ``EngineError`` if the run asks for a GPU and there is none."""
    gpus = gpu_names()
    wanted = config.training.device
    if wanted == "gpu" and not gpus:
        raise EngineError(
            f"This run asks for a GPU, but no worker has one. Set training.device to auto or cpu. Is there an NVIDIA "
            f"GPU all the same? {MEND}"
        )
    on_gpu = bool(gpus) and wanted != "cpu"
    precision, why_precision = _precision(config, on_gpu)
    xla, why_xla = _compiler(config, on_gpu)
    return Execution(
        device="/GPU:0" if on_gpu else "/CPU:0",
        device_name=gpus[0] if on_gpu else cpu_name(),
        precision=precision,
        xla=xla,
        reason=f"{why_xla}; {why_precision}",
    )


def _compiler(config: RunConfig, on_gpu: bool) -> tuple[bool, str]:
    if config.training.loop == "tape":
        return False, "the explicit loop, a compiled step at a time"
    if config.augmentation.active:
        return False, "TensorFlow's own kernels, since XLA has none for augmentation"
    if config.architecture.convolutional and not on_gpu:
        return False, "oneDNN's kernels, which beat XLA at convolutions on a processor"
    return True, "XLA compiles the whole loop" + ("" if on_gpu else ", which wins for dense layers")


def _precision(config: RunConfig, on_gpu: bool) -> tuple[str, str]:
    chosen = config.training.precision
    if chosen != "auto":
        return chosen, f"{chosen} as asked for"
    if on_gpu and not gpu_has_bfloat16():
        return "float32", "float32, since this GPU has no bfloat16"
    if not on_gpu and not BFLOAT16 & cpu_flags():
        return "float32", "float32, since bfloat16 is known to be faster only on processors with AVX512-BF16 or AMX"
    if config.architecture.convolutional or on_gpu:
        return "bfloat16", "bfloat16, which this hardware has, with a float32 last layer and loss"
    return "float32", "float32, since converting costs dense layers more than bfloat16 gains on a processor"


def prepare_devices() -> None:
    """Lets GPU memory grow as needed, so that workers on one GPU can live together. Must come before first use."""
    for gpu in tf.config.list_physical_devices("GPU"):
        tf.config.experimental.set_memory_growth(gpu, True)


@lru_cache(maxsize=1)
def gpu_names() -> tuple[str, ...]:
    """Names of the GPUs that this process may use, such as ``NVIDIA A100``."""
    gpus = tf.config.list_physical_devices("GPU")
    return tuple(tf.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus)


@lru_cache(maxsize=1)
def gpu_has_bfloat16() -> bool:
    """Whether the first GPU computes with bfloat16 in hardware."""
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    return details.get("compute_capability", (0, 0)) >= AMPERE


@lru_cache(maxsize=1)
def cpu_name() -> str:
    """The processor's name for readers, such as ``AMD EPYC (CPU)``."""
    names = [line.partition(":")[2].strip() for line in _cpuinfo() if line.startswith("model name")]
    return f"{names[0]} (CPU)" if names else "CPU"


@lru_cache(maxsize=1)
def cpu_flags() -> frozenset[str]:
    """Instruction sets of the processor as Linux names them; empty elsewhere."""
    lines = [line for line in _cpuinfo() if line.startswith("flags")]
    return frozenset(lines[0].partition(":")[2].split()) if lines else frozenset()


def _cpuinfo() -> list[str]:
    try:
        return Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
