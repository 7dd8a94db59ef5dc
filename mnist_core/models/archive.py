"""Reading an uploaded model's file without trusting it: what is in it, within limits, before anything is built.

A ``.keras`` file is a zip of three known members, which are read and never extracted by their own names. An HDF5
file is walked link by link. Nothing here needs TensorFlow.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py

from mnist_core.config import MOST_PARAMETERS
from mnist_core.errors import ModelFileError
from mnist_core.models.upload import Upload, gather, kind_of, shown

CONFIG_BYTES = 2_000_000
"""The largest networks of MNIST Lab have a configuration of 30 kB; 200 layers have about 250 kB."""

WEIGHT_BYTES = 16 * MOST_PARAMETERS
"""Four numbers of 32 bits for each parameter: the weights, and what Adam and its kin remember of them."""

MEMBERS = ("config.json", "model.weights.h5", "metadata.json")
"""Of a ``.keras`` file whose layers need no other files."""

MOST_OBJECTS = 20_000
"""Groups and arrays in an HDF5 file."""

def unpack(upload: Upload) -> tuple[Any, bytes]:
    """The model's configuration, parsed but not yet vetted, and the bytes of an HDF5 file with its weights.

    Raises:
        ModelFileError: with the first thing that is wrong.
    """
    kind = kind_of(upload.model)
    if kind == "zip":
        config, weights = _unzip(upload.model)
    elif kind == "hdf5":
        config, weights = _model_config(upload.model), upload.model
    elif kind == "json" and upload.weights:
        config, weights = upload.model, upload.weights
    else:
        gather([(upload.name, upload.model)])  # which says what is wrong
        raise AssertionError("a file of unknown kind was not refused")
    require_plain_hdf5(weights)
    return _parse(config), weights


def require_plain_hdf5(data: bytes) -> None:
    """Refuses an HDF5 file that leads out of itself, or that claims to be far larger than it may be."""
    with _hdf5(data) as file:
        waiting: list[h5py.Group] = [file]
        seen, size = {file.id}, 0
        while waiting:
            group = waiting.pop()
            for name in group:
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    raise ModelFileError(
                        "The HDF5 file has a link that leads elsewhere, even to other files of this machine. Weights "
                        "are accepted only if they lie in the file itself."
                    )
                item = group[name]
                if isinstance(item, h5py.Dataset):
                    size += _dataset_bytes(item)
                elif isinstance(item, h5py.Group) and item.id not in seen:
                    waiting.append(item)
                seen.add(item.id)
                if len(seen) > MOST_OBJECTS or size > WEIGHT_BYTES:
                    raise ModelFileError(
                        f"The HDF5 file holds more than {WEIGHT_BYTES // 10**6:,} MB of numbers or {MOST_OBJECTS:,} "
                        f"arrays when unpacked, which is more than any network that is accepted here."
                    )


def _dataset_bytes(dataset: h5py.Dataset) -> int:
    """What a dataset takes in memory; a reader unpacks one whole chunk at a time, so a chunk counts too."""
    if dataset.is_virtual or dataset.external:
        raise ModelFileError("The HDF5 file takes an array from another file. Weights must lie in the file itself.")
    if dataset.dtype.kind not in "fiub":
        raise ModelFileError(f"The HDF5 file holds data of the type {dataset.dtype}, which no weights are.")
    numbers = max(dataset.size or 0, _product(dataset.chunks or ()))
    return numbers * dataset.dtype.itemsize


def _product(numbers: tuple[int, ...]) -> int:
    result = 1
    for number in numbers:
        result *= number
    return result


def _model_config(data: bytes) -> bytes:
    with _hdf5(data) as file:
        config = file.attrs.get("model_config")
    if config is None:
        raise ModelFileError(
            "The HDF5 file holds weights but no architecture. Choose its architecture as .json together with it, or "
            "save the whole model with model.save(…)."
        )
    return config.encode() if isinstance(config, str) else bytes(config)


@contextmanager
def _hdf5(data: bytes) -> Iterator[h5py.File]:
    try:
        with h5py.File(io.BytesIO(data), "r") as file:
            yield file
    except ModelFileError:
        raise
    except Exception:  # h5py tells of damage by nearly every kind of error, some only when an entry is read.
        raise ModelFileError("The HDF5 file is damaged or cut short, or is none. Save it again.") from None


def _unzip(data: bytes) -> tuple[bytes, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            names = [member.filename for member in members]
            strange = [name for name in names if name not in MEMBERS and name != "assets/"]
            if strange:
                raise ModelFileError(
                    f"The .keras file holds {shown(strange[0])}, which does not belong into one of standard layers. "
                    f"It may hold {', '.join(MEMBERS)} and nothing else."
                )
            if len(names) != len(set(names)) or not {"config.json", "model.weights.h5"} <= set(names):
                raise ModelFileError(
                    "The .keras file must hold config.json and model.weights.h5, each once. Save it again."
                )
            config = _member(archive, "config.json", CONFIG_BYTES)
            return config, _member(archive, "model.weights.h5", WEIGHT_BYTES)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, RuntimeError) as error:
        if isinstance(error, ModelFileError):
            raise
        raise ModelFileError("The .keras file is damaged or cut short. Download or save it again.") from None


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One member, unpacked no further than allowed, whatever the zip says of its size."""
    with archive.open(name) as member:
        data = member.read(most + 1)
    if len(data) > most:
        raise ModelFileError(
            f"{name} in the .keras file is larger than {most // 10**6:,} MB when unpacked, which is more than any "
            f"network that is accepted here."
        )
    return data


def _parse(config: bytes) -> Any:
    if len(config) > CONFIG_BYTES:
        raise ModelFileError(f"The architecture is larger than {CONFIG_BYTES // 10**6} MB, which no network's is.")
    try:
        return json.loads(config.decode("utf-8"))
    except RecursionError:
        raise ModelFileError("The architecture is nested too deeply to be a model's.") from None
    except ValueError:
        raise ModelFileError("The architecture is not valid JSON; the file is damaged or no model.") from None
