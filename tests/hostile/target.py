"""A lab to throw things at, and whether it is whole afterwards."""

import io
import itertools
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import Phase, example, given, settings
from hypothesis.strategies import SearchStrategy

from mnist_core.config import RunConfig
from mnist_core.errors import LabError
from mnist_core.store import RunStore
from mnist_core.store.database import Database
from mnist_core.store.runs import OwnRuns
from mnist_core.store.sweeps import SweepStore
from tests.helpers import assert_friendly
from tests.hostile.inputs import OUTSIDE
from tests.rows import epoch, point

SECRET = "a stranger's diary"
PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen")
CHANGES = ("os.remove", "os.rename", "os.mkdir", "os.rmdir", "shutil.rmtree", "os.symlink", "os.link", "os.truncate")
CALLS = {"os", "posix", "nt", "builtins", "subprocess", "sys", "runpy", "importlib"}
"""Modules whose functions a pickle must not reach."""

OURS = ("__pycache__", ".hypothesis", "/dev/", "/proc/")
"""Where Python and the test tools themselves write."""


class Harm(AssertionError):
    """Something was lost, executed, or touched outside of the data folder."""


@dataclass(frozen=True)
class Attack:
    """Inputs, and what is tried with each. A ``LabError`` is an answer; any other error is a bug of ours.

    A few of the inputs may be named as ``always``: chance is not asked whether the tests try these.
    """

    name: str
    inputs: SearchStrategy
    attempt: Callable[["Target", Any], None]
    always: tuple = ()


class Target:
    """A data folder with one finished run that must stay as it is, and a folder beside it that is nobody's business."""

    def __init__(self, base: Path):
        self.home, self.outside = base / "home", base / "outside"
        self.outside.mkdir()
        (self.outside / "secret.txt").write_text(SECRET)
        self.store = RunStore(f"sqlite:///{self.home / 'runs.sqlite'}")
        self.sweeps = SweepStore(self.store.database)
        self.kept = self.store.create(RunConfig(), "kept")
        packed = io.BytesIO()
        np.save(packed, np.full((10_000, 10), 0.1, np.float32))
        columns = {"status": "finished", "ended": 9.0, "epoch": 1, "step": 5, "steps": 5}
        columns |= {"test_accuracy": 0.9, "test_loss": 0.5, "train_seconds": 1.0}
        files = {"model.keras": b"weights", "test_probabilities": packed.getvalue()}
        self.store.record(self.kept, columns, [point(5)], [epoch(1)], files, "Finished.")
        self._before = self._state()

    def place(self, text: str) -> str:
        """The text with the name of the other folder in it."""
        return text.replace(OUTSIDE, str(self.outside))

    def waiting(self, name: str = "to be deleted") -> str:
        """A new run, with something of everything that can hang off one."""
        run_id = self.store.create(RunConfig(), name)
        self.store.record(run_id, {}, [point(5)], [epoch(1)], {"model.keras": b"x"}, "Begun.")
        return run_id

    def require_whole(self) -> None:
        if self._state() != self._before:
            raise Harm("the kept run has changed, or the folder beside the data")

    def _state(self):
        store, run_id = self.store, self.kept
        beside = {path.name: path.read_text() for path in self.outside.iterdir()}
        rows = store.epochs(run_id), store.batches(run_id), [e["text"] for e in store.events(run_id)]
        return store.get(run_id), rows, store.load_blob(run_id, "model.keras"), beside


@contextmanager
def target():
    """A target in a folder of its own, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="hostile-lab-") as base:
        made = Target(Path(base))
        yield made
        made.store.database.close()


def throw(attack: Attack, at: Target, value: Any) -> None:
    """Tries one input.

    Raises:
        Harm: something was lost, executed, or touched outside of the data folder.
        AssertionError: the answer is not fit for a reader.
        Exception: whatever else came through, which a visitor would have seen as a traceback.
    """
    with _watched(at) as seen:
        try:
            attack.attempt(at, value)
        except LabError as error:
            assert_friendly(error)
    if seen:
        raise Harm(f"{attack.name}: {seen[0]}")
    at.require_whole()


def throw_some(attack: Attack, at: Target, examples: int) -> None:
    """Tries so many inputs, first those that are always tried, and one by chance at least. Raises as ``throw``.

    A failing input is not made smaller: with a megabyte of text that takes minutes.
    """

    by_chance = max(examples - len(attack.always), 1)

    @settings(max_examples=by_chance, derandomize=True, database=None, phases=(Phase.explicit, Phase.generate))
    @given(attack.inputs)
    def try_one(value):
        throw(attack, at, value)

    for value in attack.always:
        try_one = example(value)(try_one)
    try_one()


@contextmanager
def vanishing(at: Target, delete: Callable[[OwnRuns], None], access: int):
    """Somebody else deletes something just before the database is used for this time, counted from 0."""
    elsewhere, counter, busy = OwnRuns(at.store.database.url), itertools.count(), []
    kept = Database.read, Database.write

    def meanwhile(method):
        @contextmanager
        def use(self):
            if not busy and next(counter) == access:
                busy.append(True)
                delete(elsewhere)
                busy.clear()
            with method(self) as connection:
                yield connection

        return use

    Database.read, Database.write = map(meanwhile, kept)
    try:
        yield
    finally:
        Database.read, Database.write = kept
        elsewhere.database.close()


# -- what this process does meanwhile --------------------------------------------------------------------------------

_watches: list[Callable[[str, tuple], None]] = []


def _audit(event: str, arguments: tuple) -> None:
    for watch in _watches:
        watch(event, arguments)


sys.addaudithook(_audit)  # it cannot be taken away again, and does nothing while nobody watches


@contextmanager
def _watched(at: Target):
    """Notes files written or folders made outside of the data folder, secrets opened, programs and pickles run."""
    seen: list[str] = []
    allowed = (str(at.home), tempfile.gettempdir() + "/mnist-lab-upload-", *OURS)

    def watch(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str):
            path, mode = arguments[0], str(arguments[1] or "")
            writes = set(mode) & set("wax+")
            if str(at.outside) in path or "passwd" in path or (writes and not any(a in path for a in allowed)):
                seen.append(f"opened {path} ({mode})")
        elif event in PROGRAMS:
            seen.append(f"{event} {arguments[:2]}")
        elif event in CHANGES and not any(a in _changed(event, arguments) for a in allowed):
            seen.append(f"{event} {arguments[0]}")
        elif event == "pickle.find_class" and arguments[0].partition(".")[0] in CALLS:
            seen.append(f"unpickled {arguments}")

    _watches.append(watch)
    try:
        yield seen
    finally:
        _watches.remove(watch)


def _changed(event: str, arguments: tuple) -> str:
    """The path of what is changed. Who empties a folder tells names and the folder's number, which Linux knows."""
    path = str(arguments[0])
    if event in ("os.remove", "os.rmdir"):
        with suppress(OSError):
            path = os.path.join(os.readlink(f"/proc/self/fd/{arguments[1]}"), path)
    return path
