"""Checks a set-up, one thing after the other, and says of each what was found and how to mend it.

``python -m mnist_core doctor`` runs all checks; the Health page shows those that matter while it is open.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from packaging.requirements import Requirement
from sqlalchemy.engine import make_url

from mnist_core import gpus, serve, sign_in
from mnist_core.data import mnist
from mnist_core.errors import LabError
from mnist_core.settings import Settings
from mnist_core.store import RunStore
from mnist_core.store.lease import engine_status

OLDEST_PYTHON = (3, 10)
REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"

LEAST_DISK, LEAST_MEMORY = 1_000_000_000, 3_000_000_000
"""Bytes that should be free: of a disk for some hundred runs, of memory for the engine and two workers."""

REACH_SECONDS = 3.0

COUNT_GPUS = "import tensorflow; print(len(tensorflow.config.list_physical_devices('GPU')))"
GPU_SECONDS = 60
"""For an import of TensorFlow on a busy machine."""


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    """What to do about it if it is not all right, unless that stands in ``found``."""


def checkup(settings: Settings) -> list[Check]:
    """Looks at everything; takes some seconds, starts nothing and leaves nothing behind."""
    looks: Sequence[Callable[[Settings], Check]] = (
        python, packages, images, folder, disk, memory, database, scheduler, engine, gpu, port, signing_in,
    )  # fmt: skip
    return [look(settings) for look in looks]


def python(settings: Settings) -> Check:
    oldest = ".".join(map(str, OLDEST_PYTHON))
    found = f"Python {sys.version.split()[0]} at {sys.executable}"
    return Check("Python", sys.version_info >= OLDEST_PYTHON, found, f"Install Python {oldest} or newer.")


def packages(settings: Settings) -> Check:
    """What ``requirements.txt`` asks for, against what is installed."""
    wanted = [line.partition("#")[0].strip() for line in REQUIREMENTS.read_text(encoding="utf-8").splitlines()]
    wrong = [fault for line in wanted if line and (fault := _fault(Requirement(line)))]
    found = "; ".join(wrong) or f"all {sum(map(bool, wanted))} in the versions that requirements.txt allows"
    return Check("Packages", not wrong, found, "Run pip install -r requirements.txt -c constraints.txt.")


def images(settings: Settings) -> Check:
    try:
        count = sum(len(mnist.load(part)) for part in ("train", "test"))
    except LabError as error:
        return Check("Images", False, str(error))
    where = settings.data or str(mnist.EMBEDDED)
    return Check("Images", True, f"{count:,} digits in {where}, as their SHA-256 says")


def folder(settings: Settings) -> Check:
    """Whether the data folder, or the nearest above it that is there, takes a file."""
    mend = f"Give write permission to {settings.home}, or set MNIST_LAB_HOME to another folder."
    there = _nearest(settings.home)
    if settings.home.exists() and there != settings.home:
        return Check("Data folder", False, f"{settings.home} is a file", "Set MNIST_LAB_HOME to a folder.")
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(bytes(4096))
    except OSError as error:
        return Check("Data folder", False, f"{settings.home} cannot be written to ({error.strerror})", mend)
    words = "can be written to" if there == settings.home else "will be made"
    return Check("Data folder", True, f"{settings.home} {words}")


def disk(settings: Settings) -> Check:
    usage = shutil.disk_usage(_nearest(settings.home))
    found = f"{usage.free / 1e9:,.1f} of {usage.total / 1e9:,.0f} GB are free"
    mend = (
        f"Free some space where {settings.home} lies; below {LEAST_DISK / 1e9:g} GB it gets tight. "
        f"The room of deleted runs is used again by later ones, but not given back to the disk."
    )
    return Check("Disk", usage.free >= LEAST_DISK, found, mend)


def memory(settings: Settings) -> Check:
    now = psutil.virtual_memory()
    found = f"{now.total / 1e9:,.1f} GB, of which {now.available / 1e9:,.1f} GB are free"
    return Check("Memory", now.total >= LEAST_MEMORY, found, "Two workers with TensorFlow need 3 GB in all.")


def database(settings: Settings) -> Check:
    """Opens it, unless it is a file that is not there yet, and counts runs."""
    if sqlite_file(settings) is not None and not sqlite_file(settings).exists():
        return Check("Database", True, f"{sqlite_file(settings)} will be made")
    try:
        store = RunStore(settings.database_url)
        began = time.perf_counter()
        count = sum(store.statistics().values())
        if sqlite_file(settings) is not None:
            with store.database.read() as connection:
                faults = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if faults != "ok":
                mend = "Move it away, or put a backup in its place; nothing is written over it."
                return Check("Database", False, f"{store.database.where} is damaged: {faults}", mend)
        seconds = time.perf_counter() - began
        store.database.close()
    except LabError as error:
        return Check("Database", False, str(error))
    return Check("Database", True, f"{store.database.where}: {count:,} runs, answered in {seconds * 1000:,.0f} ms")


def scheduler(settings: Settings) -> Check:
    """Whether a Dask scheduler of one's own can be reached."""
    if not settings.scheduler:
        return Check("Scheduler", True, "none is named; the engine brings its own")
    address = urlsplit(settings.scheduler if "://" in settings.scheduler else f"tcp://{settings.scheduler}")
    try:
        socket.create_connection((address.hostname or "", address.port or 8786), REACH_SECONDS).close()
    except (OSError, ValueError) as error:
        mend = "Start it (dask scheduler), open its port, or mend MNIST_LAB_SCHEDULER."
        reason = getattr(error, "strerror", None) or "no such address"
        return Check("Scheduler", False, f"{settings.scheduler} cannot be reached ({reason}).", mend)
    return Check("Scheduler", True, f"{settings.scheduler} can be reached")


def engine(settings: Settings) -> Check:
    """How the engine is, if one is there; one that is away starts with the dashboard."""
    log = f"Its log at {settings.log_file} says more."
    if sqlite_file(settings) is not None and not sqlite_file(settings).exists():
        return Check("Engine", True, "not running; it starts with the dashboard")
    try:
        status = engine_status(RunStore(settings.database_url).database, settings.scheduler)
    except LabError:
        return Check("Engine", False, "nobody knows, since the database cannot be read", "Mend the database first.")
    missing = status.missing if settings.scheduler else ""
    if status.crippled:
        besides = f" Besides, {missing}." if missing else ""
        return Check("Engine", False, f"cannot work: {status.problems[0]}{besides}", log)
    if status.state == "away":
        return Check("Engine", True, "not running; it starts with the dashboard")
    if missing:
        return Check("Engine", False, f"waits: {missing}", log)
    if status.out_of_reach:
        return Check("Engine", False, status.out_of_reach)
    if status.problems:
        found = f"of {len(status.workers)} workers, {len(status.problems)} cannot work: {status.problems[0]}"
        return Check("Engine", False, found, log)
    ready = sum(worker["ready"] for worker in status.workers)
    where = f"process {status.pid} on {status.host}"
    return Check("Engine", True, f"{status.state}, {where}, {ready} of {len(status.workers)} workers are warm")


def gpu(settings: Settings) -> Check:
    """Whether TensorFlow uses the GPU that is here; it is asked in a process of its own, and only if there is one."""
    if settings.scheduler:
        return Check("GPU", True, "not looked at here: workers join the scheduler, and Home tells of their GPUs")
    count = len(gpus.visible_gpus())
    if not count:
        return Check("GPU", True, "no NVIDIA GPU; everything runs on the processor")
    ask = [sys.executable, "-c", COUNT_GPUS]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=GPU_SECONDS)
    except subprocess.TimeoutExpired:
        return Check("GPU", True, f"one is here; TensorFlow has not said within {GPU_SECONDS} s whether it uses it")
    except (OSError, subprocess.SubprocessError):
        mend = "Run python -c 'import tensorflow' to see why."
        return Check("GPU", False, "one is here, but TensorFlow cannot be imported to say whether it uses it", mend)
    used = answer.stdout.strip()
    if used == "0":
        return Check("GPU", False, gpus.UNUSED, gpus.MEND)
    return Check("GPU", True, f"TensorFlow uses {used} of {count}")


def port(settings: Settings) -> Check:
    try:
        free = serve.free_port()
    except LabError as error:
        return Check("Port", False, str(error), "End what listens there, or name another with serve --port.")
    taken = "" if free == serve.PORTS[0] else f" ({serve.PORTS[0]} is taken, perhaps by MNIST Lab itself)"
    return Check("Port", True, f"{free} is free{taken}")


def signing_in(settings: Settings) -> Check:
    """Whether the sign-in can work, if one is set up."""
    wrong = sign_in.problem()
    return Check("Sign-in", not wrong, wrong or "none is set up, or nothing is wrong with it")


def sqlite_file(settings: Settings) -> Path | None:
    """The database's file; ``None`` if it is a server's, or its address cannot be read."""
    url = settings.database_url
    return Path(make_url(url).database or "") if url.startswith("sqlite:///") else None


def _nearest(path: Path) -> Path:
    return next(there for there in (path, *path.parents) if there.is_dir())


def _fault(wanted: Requirement) -> str:
    if wanted.marker is not None and not wanted.marker.evaluate():
        return ""
    try:
        version = metadata.version(wanted.name)
    except metadata.PackageNotFoundError:
        return f"{wanted.name} is missing"
    allowed = wanted.specifier.contains(version, prereleases=True)
    return "" if allowed else f"{wanted.name} is {version}, not {wanted.specifier}"
