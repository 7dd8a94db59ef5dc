"""Model files for tests: honest ones, and the means to make bad ones of them."""

import io
import json
import tempfile
import zipfile
from pathlib import Path

import h5py


def saved(model, ending=".keras"):
    """The bytes of a Keras model's file: ``.keras``, ``.h5`` or ``.weights.h5``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model" + ending)
        (model.save_weights if ending == ".weights.h5" else model.save)(path)
        return path.read_bytes()


def zipped(members, compression=zipfile.ZIP_DEFLATED):
    """A zip of ``(name, bytes)``."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", compression) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


def members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def config_of(data):
    return json.loads(members(data)["config.json"])


def with_config(data, config):
    """The ``.keras`` file with another configuration: a mapping, or bytes as they are."""
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    return zipped((members(data) | {"config.json": text}).items())


def with_hdf5(data, change):
    """The ``.keras`` or HDF5 file after ``change(file)`` on its HDF5 part."""
    inside = members(data) if data.startswith(b"PK") else {"model.weights.h5": data}
    packed = io.BytesIO(inside["model.weights.h5"])
    with h5py.File(packed, "r+") as file:
        change(file)
    inside["model.weights.h5"] = packed.getvalue()
    return zipped(inside.items()) if data.startswith(b"PK") else packed.getvalue()


def virtual(file):
    """An array whose numbers stand in a file of the machine's."""
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (4,))
    file.create_virtual_dataset("stolen", layout)


def endless_chain(file):
    """Groups that contain each other."""
    file["a"] = file.create_group("b")
    file["b/again"] = file["a"]
