"""Loads the MNIST database: 60,000 training and 10,000 test images, verified by hash.

LeCun, Cortes, Burges, "The MNIST database of handwritten digits"; licence and credit in ``LICENCE.md`` beside it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np

from mnist_core.errors import DataError
from mnist_core.settings import Settings

EMBEDDED = Path(__file__).with_name("mnist.npz")
EMBEDDED_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"

FETCH_AGAIN = "Fetch it again, for example with git checkout."

ARRAY_SHA256 = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
"""Of the arrays' bytes in C order: the same for every way of packing the original database."""

LARGEST_BYTES = 2 * 60000 * 28 * 28
"""What an array may unpack to, so that a small malicious file cannot fill the memory."""

SHAPES = {"x_train": (60000, 28, 28), "y_train": (60000,), "x_test": (10000, 28, 28), "y_test": (10000,)}

Part = Literal["train", "test"]


@dataclass(frozen=True)
class Digits:
    """Images ``uint8 (N, 28, 28)``, 0 = paper and 255 = ink, and labels ``uint8 (N,)`` 0-9; both read-only."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def load(part: Part) -> Digits:
    """The training or the test set, read once and shared. In the web process, ask only for what is shown.

    Raises:
        DataError: naming the file, what was expected and what was found.
    """
    settings = Settings.from_environment()
    if settings.data:
        return _read(Path(settings.data), part, settings.data_sha256.lower())
    return _read(EMBEDDED, part, EMBEDDED_SHA256)


def signature() -> str:
    """Which images this process reads: empty for the shipped file, wherever it lies, else the SHA-256 of the file.

    Raises:
        DataError: the file that ``MNIST_LAB_DATA`` names cannot be read.
    """
    settings = Settings.from_environment()
    if not settings.data:
        return ""
    try:
        found = hashlib.sha256(Path(settings.data).read_bytes()).hexdigest()
    except OSError as error:
        raise DataError(f"{settings.data} cannot be read ({error.strerror}). Mend MNIST_LAB_DATA.") from None
    return "" if found == EMBEDDED_SHA256 else found


def forget() -> None:
    """Lets go of all that ``load`` has kept, for processes that must stay small."""
    _read.cache_clear()


@lru_cache(maxsize=4)
def _read(path: Path, part: Part, file_sha256: str) -> Digits:
    try:
        content = path.read_bytes()
    except OSError as error:
        mend = "Mend MNIST_LAB_DATA, or leave it empty to use the file that is shipped."
        raise DataError(
            f"{path} cannot be read ({error.strerror}). Expected is a .npz file with the arrays {', '.join(SHAPES)}. "
            f"{FETCH_AGAIN if path == EMBEDDED else mend}"
        ) from None
    found = hashlib.sha256(content).hexdigest()
    if path == EMBEDDED and found != EMBEDDED_SHA256:
        raise DataError(
            f"{path} is damaged: expected SHA-256 {EMBEDDED_SHA256}, found {found}. {FETCH_AGAIN}"
        )
    if file_sha256 and found != file_sha256:
        raise DataError(
            f"{path} is not the file that MNIST_LAB_DATA_SHA256 names: expected {file_sha256}, found {found}. "
            f"Mend one of the two."
        )
    arrays = {key: _array(path, content, key, verify=not file_sha256) for key in (f"x_{part}", f"y_{part}")}
    return Digits(arrays[f"x_{part}"], arrays[f"y_{part}"])


def _array(path: Path, content: bytes, key: str, verify: bool) -> np.ndarray:
    """One array of the file, its shape and type checked, and its bytes where the file as a whole was not."""
    try:
        dtype, array = _unpack(content, f"{key}.npy")
    except KeyError:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = ", ".join(name.removesuffix(".npy")[:20] for name in archive.namelist()[: len(SHAPES)]) or "none"
        raise DataError(
            f"{path} has no array {key!r}. Expected the arrays {', '.join(SHAPES)}, found {found}."
        ) from None
    except (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{path} is not a whole .npz file: expected arrays {', '.join(SHAPES)}, found {len(content):,} bytes "
            f"that break off or are damaged ({type(error).__name__}). Copy the file again."
        ) from None
    if dtype != np.uint8 or array.shape != SHAPES[key]:
        raise DataError(
            f"{path}: array {key!r} should be uint8 of shape {SHAPES[key]}, found {dtype} of shape {array.shape}."
        )
    if key.startswith("y") and array.max() > 9:
        raise DataError(f"{path}: array {key!r} should hold labels 0 to 9, found {array.max()}.")
    if verify and (found := hashlib.sha256(np.ascontiguousarray(array)).hexdigest()) != ARRAY_SHA256[key]:
        raise DataError(
            f"{path}: array {key!r} is not the original MNIST: expected SHA-256 {ARRAY_SHA256[key]}, found {found}. "
            f"If you mean to use another database, set MNIST_LAB_DATA_SHA256 to the file's own hash."
        )
    return array


def _unpack(content: bytes, member: str) -> tuple[np.dtype, np.ndarray]:
    """An array over the unpacked bytes, read-only and without a copy: half the time of ``np.load``."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if archive.getinfo(member).file_size > LARGEST_BYTES:
            raise ValueError("too large")
        raw = archive.read(member)
    header = io.BytesIO(raw)
    version = np.lib.format.read_magic(header)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read_header(header)
    if dtype.hasobject:
        raise ValueError("holds Python objects")
    flat = np.frombuffer(raw, dtype, offset=header.tell())
    return dtype, flat.reshape(shape, order="F" if fortran else "C")
