"""What may be set from outside, by environment variables. ``docs/settings.md`` lists them all (a test sees to it)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from mnist_core.errors import LabError

URL_SIGNS = "?%"
"""Signs that SQLAlchemy's versions read differently in an SQLite address."""

RELATIVE_FILE = re.compile(r"(sqlite(?:\+\w+)?:///)((?!/|:|file:).+)")
"""An SQLite address that names its file from a folder on."""


def _setting(variable: str, default: str, help: str) -> Any:
    return field(metadata={"variable": variable, "default": default, "help": help})


@dataclass(frozen=True)
class Settings:
    """The settings of one process, read once at its start by ``Settings.from_environment``."""

    home: Path = _setting("MNIST_LAB_HOME", "~/.mnist-lab", "Folder that holds the database of runs and the logs.")
    data: str = _setting("MNIST_LAB_DATA", "", "Another mnist.npz than the one shipped.")
    data_sha256: str = _setting(
        "MNIST_LAB_DATA_SHA256", "", "SHA-256 of MNIST_LAB_DATA, to allow a file that is not the original MNIST."
    )
    database: str = _setting(
        "MNIST_LAB_DATABASE", "",
        "Database URL, such as postgresql://name:password@host/database; empty is SQLite in the home folder.",
    )  # fmt: skip
    scheduler: str = _setting(
        "MNIST_LAB_SCHEDULER", "",
        "Address of a Dask scheduler to use, such as tcp://host:8786; empty starts workers on this machine.",
    )  # fmt: skip
    train_workers: int = _setting(
        "MNIST_LAB_TRAIN_WORKERS", "0", "Runs trained at a time; 0 is one per GPU, or one for every four cores."
    )
    idle_seconds: int = _setting(
        "MNIST_LAB_IDLE_SECONDS", "30", "How long the engine stays when no dashboard is open and nothing is to do."
    )
    upload_megabytes: int = _setting(
        "MNIST_LAB_UPLOAD_MEGABYTES", "128",
        "How large an uploaded model may be, its weights included (with `streamlit run`, 128 at most); 0 is no limit.",
    )  # fmt: skip
    upload_seconds: int = _setting(
        "MNIST_LAB_UPLOAD_SECONDS", "60", "How long reading an uploaded model and scoring it may take."
    )
    teacher_pin: str = _setting(
        "MNIST_LAB_TEACHER_PIN", "",
        "Who enters it in the sidebar may stop, rename and delete everybody's runs; empty: there is no teacher.",
    )  # fmt: skip
    user_header: str = _setting(
        "MNIST_LAB_USER_HEADER", "",
        "Header by which a proxy in front says who the visitor is; the proxy must remove it from what comes to it.",
    )  # fmt: skip
    most_visitors: int = _setting("MNIST_LAB_VISITORS", "100", "Visitors at once; 0 is no limit.")
    most_waiting: int = _setting("MNIST_LAB_WAITING", "50", "Runs of one visitor that may wait; 0 is no limit.")
    most_parameters: int = _setting(
        "MNIST_LAB_PARAMETERS", "30000000", "Parameters that a visitor's model may have; 0 is no limit."
    )
    most_epochs: int = _setting("MNIST_LAB_EPOCHS", "500", "Epochs that a visitor's run may have; 0 is no limit.")
    run_minutes: int = _setting(
        "MNIST_LAB_RUN_MINUTES", "240",
        "Minutes that a visitor's run may have a worker, for training and validation; then it is stopped and keeps "
        "what it has learned. Not while a search's chosen trial is scored. 0 is no limit.",
    )  # fmt: skip
    stored_megabytes: int = _setting(
        "MNIST_LAB_STORED_MEGABYTES", "20000",
        "Size of the database at which visitors cannot add runs or keep drawings until some are deleted; "
        "0 is no limit.",
    )  # fmt: skip
    predictions_per_minute: int = _setting(
        "MNIST_LAB_PREDICTIONS_PER_MINUTE", "300", "Answers that a visitor may ask of networks; 0 is no limit."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, folder: Path = Path()) -> Settings:
        """Reads the variables; ``LabError`` names one that is not a number where it must be.

        Args:
            folder: in which relative names begin, by default that of this process. They become absolute, so that
                processes that work in other folders open the same files.
        """
        environment = os.environ if environment is None else environment
        values = {}
        for entry in fields(cls):
            text = environment.get(entry.metadata["variable"], "") or entry.metadata["default"]
            values[entry.name] = _convert(entry, text, folder)
        values["data"] = values["data"] and str(_absolute(values["data"], folder))
        folders = {"MNIST_LAB_HOME": values["home"]}
        if relative := RELATIVE_FILE.fullmatch(values["database"]):
            folders["MNIST_LAB_DATABASE"] = _absolute("", folder)
            values["database"] = f"{relative[1]}{_absolute(relative[2], folder)}"
        for variable, name in folders.items():
            if set(URL_SIGNS) & set(str(name)):
                raise LabError(
                    f"{variable} leads to {str(name)!r}, but a folder's name may hold neither ? nor %, which mean "
                    f"something else in a database's address. Choose another folder."
                )
        return cls(**values)

    def environment(self) -> dict[str, str]:
        """The variables that make another process read these very settings."""
        return {entry.metadata["variable"]: str(getattr(self, entry.name)) for entry in fields(self)}

    @property
    def database_url(self) -> str:
        """What SQLAlchemy opens; PostgreSQL with the driver that comes with MNIST Lab unless another one is named."""
        named = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", self.database)
        return named or f"sqlite:///{self.home / 'runs.sqlite'}"

    @property
    def log_file(self) -> Path:
        return self.home / "engine.log"


def _absolute(name: str, folder: Path) -> Path:
    try:
        return (folder / (Path(name).expanduser() if name.startswith("~") else name)).absolute()
    except RuntimeError:
        raise LabError(
            f"{name!r} begins with ~ and a user's name, but there is no such user here. Write the place in full, or "
            f"./ before a name that really begins with ~."
        ) from None


def _convert(entry, text: str, folder: Path):
    if entry.type == "Path":
        return _absolute(text, folder)
    if entry.type != "int":
        return text
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise LabError(f"{entry.metadata['variable']} is {text!r}, but must be a whole number from 0 up.")
    return number
