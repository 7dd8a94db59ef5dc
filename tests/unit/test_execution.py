"""Device, precision and compiler follow the rules, whatever the machine has."""

import pytest
import tensorflow as tf

from mnist_core.config import RunConfig
from mnist_core.errors import EngineError
from mnist_core.training import execution
from mnist_core.training.execution import choose
from tests.helpers import assert_friendly

CNN = {"architecture": {"name": "cnn"}}


@pytest.fixture(autouse=True)
def _nothing_remembered():
    caches = (execution.gpu_names, execution.gpu_has_bfloat16, execution.cpu_name, execution.cpu_flags)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """Makes a machine of so many GPUs with a processor of these flags."""

    def machine(gpus=0, flags="", capability=(8, 0)):
        devices = [f"gpu {i}" for i in range(gpus)]
        grown = []
        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices if kind == "GPU" else ["cpu"])
        monkeypatch.setattr(
            tf.config.experimental,
            "get_device_details",
            lambda gpu: {"device_name": f"NVIDIA {gpu}", "compute_capability": capability},
        )
        monkeypatch.setattr(
            tf.config.experimental, "set_memory_growth", lambda gpu, enable: grown.append((gpu, enable))
        )
        lines = [
            "model name\t: Example CPU 3000",
            f"flags\t\t: fpu {flags}",
            "model name\t: Example CPU 3000",
        ]
        monkeypatch.setattr(execution, "_cpuinfo", lambda: lines)
        return grown

    return machine


def config(**data):
    return RunConfig.parse(data)


def test_without_a_gpu_the_processor_is_taken(machine):
    machine()
    for device in ("auto", "cpu"):
        chosen = choose(config(training={"device": device}))
        assert (chosen.device, chosen.device_name) == ("/CPU:0", "Example CPU 3000 (CPU)")


def test_a_gpu_that_is_not_there_is_told_with_the_ways_out(machine):
    machine()
    with pytest.raises(EngineError) as error:
        choose(config(training={"device": "gpu"}))
    assert_friendly(error, "asks for a GPU", "training.device", "auto or cpu", "tensorflow[and-cuda]")


@pytest.mark.parametrize(("device", "taken"), [("auto", "/GPU:0"), ("gpu", "/GPU:0"), ("cpu", "/CPU:0")])
def test_a_gpu_is_taken_unless_the_run_wants_none(machine, device, taken):
    machine(gpus=2)
    chosen = choose(config(training={"device": device}))
    assert chosen.device == taken
    assert chosen.device_name == ("NVIDIA gpu 0" if taken == "/GPU:0" else "Example CPU 3000 (CPU)")


def test_memory_grows_as_needed_on_every_gpu(machine):
    grown = machine(gpus=2)
    execution.prepare_devices()
    assert grown == [("gpu 0", True), ("gpu 1", True)]


@pytest.mark.parametrize(
    ("gpus", "flags", "data", "precision"),
    [
        (0, "", CNN, "float32"),
        (0, "avx512f", CNN, "float32"),
        (0, "avx512f avx512_bf16", CNN, "bfloat16"),
        (0, "amx_bf16 amx_tile", CNN, "bfloat16"),
        (0, "amx_bf16", {}, "float32"),
        (1, "", CNN, "bfloat16"),
        (1, "", {}, "bfloat16"),
        (1, "", CNN | {"training": {"device": "cpu"}}, "float32"),
    ],
)
def test_automatic_precision_is_sixteen_bits_where_they_are_quicker(machine, gpus, flags, data, precision):
    machine(gpus, flags)
    training = data.get("training", {}) | {"precision": "auto"}
    chosen = choose(config(**data | {"training": training}))
    assert chosen.precision == precision
    assert precision in chosen.reason


def test_an_older_gpu_keeps_32_bits(machine):
    machine(gpus=1, capability=(7, 5))
    chosen = choose(config(**CNN))
    assert chosen.precision == "float32"
    assert "no bfloat16" in chosen.reason


def test_an_arm_processor_is_not_said_to_lack_what_it_has(machine, monkeypatch):
    machine()
    monkeypatch.setattr(execution, "_cpuinfo", lambda: ["processor\t: 0", "Features\t: fp asimd bf16 i8mm"])
    chosen = choose(config(**CNN))
    assert chosen.precision == "float32"
    assert "no bfloat16" not in chosen.reason and "AVX512-BF16" in chosen.reason
    assert choose(config(**CNN, training={"precision": "bfloat16"})).precision == "bfloat16"


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_precision_that_is_named_is_taken(machine, precision):
    machine(gpus=1, flags="amx_bf16")
    for data in ({}, CNN):
        assert choose(config(**data, training={"precision": precision})).precision == precision


@pytest.mark.parametrize(
    ("gpus", "data", "xla", "reason"),
    [
        (0, {}, True, "XLA compiles"),
        (0, {"architecture": {"name": "softmax"}}, True, "XLA compiles"),
        (0, CNN, False, "oneDNN"),
        (0, {"augmentation": {"shift": 1.0}}, False, "TensorFlow's own kernels"),
        (1, {}, True, "XLA compiles"),
        (1, CNN, True, "XLA compiles"),
        (1, CNN | {"augmentation": {"zoom": 0.1}}, False, "TensorFlow's own kernels"),
    ],
)
def test_the_compiler_is_the_one_that_wins(machine, gpus, data, xla, reason):
    machine(gpus)
    chosen = choose(config(**data))
    assert chosen.xla == xla
    assert chosen.reason.startswith(reason)


def test_a_system_without_cpuinfo_still_has_a_name(machine, monkeypatch):
    machine()
    monkeypatch.setattr(execution, "_cpuinfo", list)
    assert execution.cpu_name() == "CPU"
    assert execution.cpu_flags() == frozenset()


def test_this_machine_can_be_asked():
    chosen = choose(config())
    assert chosen.device == "/CPU:0"  # tests hide the GPUs
    assert chosen.device_name.endswith("CPU)") or chosen.device_name == "CPU"
