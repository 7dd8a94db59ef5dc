"""What one visitor does in the lab: every change that a page asks for comes through here, and is checked first.

Whether it is theirs to change, ``visitors`` says; whether it is within the limits, ``limits``.
"""

from __future__ import annotations

from functools import partial

from mnist_core import limits
from mnist_core.config import RunConfig
from mnist_core.data.mnist import Digits
from mnist_core.engine.client import EngineClient
from mnist_core.errors import OverLimit
from mnist_core.explore.design import Design
from mnist_core.models.upload import Upload
from mnist_core.settings import Settings
from mnist_core.store import RunStore, fine_tuning
from mnist_core.store.drawings import Drawings
from mnist_core.store.queue import count_waiting
from mnist_core.store.run import Run
from mnist_core.store.sweeps import SweepStore
from mnist_core.store.visitors import VisitorStore
from mnist_core.visitors import Visitor


class Acting:
    """The store as one visitor may change it.

    All methods raise ``NotAllowed`` for what is another's, and those that add something ``OverLimit``.
    """

    def __init__(self, settings: Settings, store: RunStore, visitor: Visitor):
        self._settings, self._store, self._visitor = settings, store, visitor
        self._sweeps = SweepStore(store.database)

    # -- runs -------------------------------------------------------------------------------------------------

    def train(self, config: RunConfig, recipe: str = "") -> str:
        """Puts a run of this visitor's in the queue and gives its id."""
        limits.require_size(self._settings, config)
        self._require_turn()
        return self._store.create(config, recipe=recipe, owner=self._visitor.id)

    def fine_tune(self, run_id: str, own: Digits) -> str:
        """The same for a run that trains another one's network further on own drawings (``store.fine_tuning``)."""
        self._require_turn()
        check = partial(limits.require_size, self._settings)
        return fine_tuning.fine_tune(self._store, run_id, own, self._visitor.id, check)

    def fine_tune_again(self, run_id: str) -> str:
        """Repeats a fine-tuning, whosever it was."""
        run = self._store.get(run_id)
        limits.require_size(self._settings, run.settings)
        self._require_turn()
        return fine_tuning.repeat(self._store, run, self._visitor.id)

    def ask(self, run_id: str, wish: str) -> Run:
        """Stops, cancels or pauses a run (``RunStore.ask``)."""
        self._require_run(run_id)
        return self._store.ask(run_id, wish)

    def resume(self, run_id: str) -> Run:
        """Puts a run back in the queue. It takes a place there, and no more than was granted when it was new."""
        self._require_run(run_id)
        self._require_place()
        return self._store.resume(run_id)

    def describe(self, run_id: str, name: str, note: str) -> None:
        """Gives a run its name and note."""
        self._require_run(run_id)
        self._store.rename(run_id, name)
        self._store.annotate(run_id, note)

    def delete(self, run_id: str) -> None:
        self._require_run(run_id)
        self._store.delete(run_id)

    def upload(self, engine: EngineClient, upload: Upload, name: str = "") -> str:
        """Makes a run of an uploaded model; ``ModelFileError`` or ``OverLimit`` say why it is not accepted."""
        self._require_room()
        run_id = engine.add_upload(upload, name, self._visitor.id)
        try:
            # Only whoever has built the model knows how many it has; that was within what the program allows.
            limits.require_parameters(self._settings, self._store.get(run_id).parameters)
        except OverLimit:
            self._store.delete(run_id)
            raise
        return run_id

    def keep_drawing(self, drawing_id: str, label: int | None) -> None:
        """Keeps one of this visitor's last drawings, or no longer (``Drawings.keep``)."""
        if label is not None:
            self._require_room()
        Drawings(self._store.database, self._visitor.id).keep(drawing_id, label)

    # -- sweeps -----------------------------------------------------------------------------------------------

    def search(self, design: Design, name: str = "", question: str = "", expected: float | None = None) -> str:
        """Starts a sweep of this visitor's and gives its id. Its trials are checked one by one as they come.

        ``expected``: the best held-out accuracy that they foretell.
        """
        limits.require_size(self._settings, design.base)
        self._require_turn()
        return self._sweeps.create(design, name, question, self._visitor.id, expected)

    def stop_search(self, sweep_id: str) -> None:
        self._require_sweep(sweep_id)
        self._sweeps.stop(sweep_id)

    def go_on(self, sweep_id: str, more: int) -> None:
        self._require_sweep(sweep_id)
        self._require_turn()
        self._sweeps.go_on(sweep_id, more)

    def choose(self, sweep_id: str, run_id: str) -> None:
        """Lets one run of a sweep see the test set."""
        self._require_sweep(sweep_id)
        self._sweeps.choose(sweep_id, run_id)

    def delete_sweep(self, sweep_id: str) -> None:
        self._require_sweep(sweep_id)
        self._sweeps.delete(sweep_id)

    # -- inside -----------------------------------------------------------------------------------------------

    def _require_run(self, run_id: str) -> None:
        self._require(self._store.get(run_id).owner)

    def _require_sweep(self, sweep_id: str) -> None:
        self._require(self._sweeps.get(sweep_id).owner)

    def _require(self, owner: str) -> None:
        if not self._visitor.may_change(owner):
            self._visitor.require(owner, VisitorStore(self._store.database).names([owner])[owner])

    def _require_turn(self) -> None:
        self._require_place()
        self._require_room()

    def _require_place(self) -> None:
        searching = sum(sweep.owner == self._visitor.id for sweep in self._sweeps.list(status="running"))
        limits.require_turn(self._settings, count_waiting(self._store.database, self._visitor.id) + searching)

    def _require_room(self) -> None:
        limits.require_room(self._settings, self._store.database.stored_bytes())
