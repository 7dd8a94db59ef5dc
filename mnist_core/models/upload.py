"""An uploaded model before anybody has looked into it, and which kinds of files make one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mnist_core.errors import ModelFileError

ZIP, HDF5 = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Upload:
    """A model as somebody has uploaded it; nothing about it is known to be true.

    Attributes:
        name: of the file, for readers.
        model: bytes of a ``.keras`` or HDF5 file, or of an architecture as JSON.
        weights: bytes of the weights' HDF5 file that belongs to an architecture, else empty.
        scaled: whether it expects pixels from 0 to 1, else 0 to 255.
    """

    name: str
    model: bytes
    weights: bytes = b""
    scaled: bool = True

    @property
    def size(self) -> int:
        return len(self.model) + len(self.weights)

    @property
    def digest(self) -> str:
        """The beginning of the content's SHA-256, in hexadecimal."""
        return hashlib.sha256(self.model + self.weights).hexdigest()[:12]


def gather(files: list[tuple[str, bytes]], scaled: bool = True) -> Upload:
    """One upload from one or two chosen files, told apart by what is in them and not by their names.

    Raises:
        ModelFileError: if they are no model, or no architecture with its weights.
    """
    kinds = {kind_of(data): (name, data) for name, data in files}
    if set(kinds) == {"json", "hdf5"} and len(files) == 2:
        return Upload(kinds["json"][0], kinds["json"][1], kinds["hdf5"][1], scaled)
    if len(files) != 1:
        raise ModelFileError(
            "Choose one .keras or .h5 file, or two: an architecture as .json and its weights as .weights.h5."
        )
    [(kind, (name, data))] = kinds.items()
    if kind == "json":
        raise ModelFileError("An architecture alone has no weights. Choose its .weights.h5 file together with it.")
    if kind == "other":
        raise ModelFileError(
            f"{shown(name)} is neither a .keras nor an HDF5 file of Keras. Files of other kinds, such as pickles or "
            f"SavedModel folders, may hold program code and are not read."
        )
    return Upload(name, data, b"", scaled)


def kind_of(data: bytes) -> str:
    """``zip``, ``hdf5``, ``json`` or ``other``, by how the bytes begin."""
    if data.startswith(ZIP):
        return "zip"
    if data.startswith(HDF5):
        return "hdf5"
    return "json" if data[:100].lstrip()[:1] == b"{" else "other"


def shown(name: object) -> str:
    """A name from a file as messages repeat it: it may be anything, and long."""
    text = "".join(c if c.isprintable() else " " for c in str(name))
    return repr(text if len(text) <= 60 else text[:57] + "...")
