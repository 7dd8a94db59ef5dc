"""The tables of the store. A run is one row with one id; all else hangs off that id and goes with it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Integer, LargeBinary, MetaData, Table

from mnist_core.store.types import String, Text

metadata = MetaData()

version = Table("mnist_lab_version", metadata, Column("version_num", String(32), primary_key=True))
"""One row: which revision of ``store/migrations`` the tables are."""


def _run_id() -> Column:
    return Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)


def _owner() -> Column:
    """The visitor whose it is; empty for what a command on the machine made."""
    return Column("owner", String(32), nullable=False, default="", index=True)


runs = Table(
    "runs",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("note", Text, nullable=False, default=""),
    Column("recipe", String(100), nullable=False, default=""),
    Column("config", Text, nullable=False),
    Column("parameters", Integer, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("wish", String(8), nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("queued", Float, nullable=False),
    Column("started", Float),
    Column("ended", Float),
    Column("beat", Float),
    Column("worker", String(200), nullable=False, default=""),
    Column("holder", String(32), nullable=False, default=""),
    Column("deaths", Integer, nullable=False, default=0),
    Column("device", String(200), nullable=False, default=""),
    Column("epoch", Integer, nullable=False, default=0),
    Column("step", Integer, nullable=False, default=0),
    Column("steps", Integer, nullable=False, default=0),
    Column("train_seconds", Float, nullable=False, default=0.0),
    Column("images_per_second", Float),
    Column("test_loss", Float),
    Column("test_accuracy", Float),
    _owner(),
)

epochs = Table(
    "epochs",
    metadata,
    _run_id(),
    Column("epoch", Integer, primary_key=True),
    Column("step", Integer, nullable=False),
    Column("loss", Float, nullable=False),
    Column("accuracy", Float, nullable=False),
    Column("val_loss", Float),
    Column("val_accuracy", Float),
    Column("learning_rate", Float),
    Column("seconds", Float),
)

batches = Table(
    "batches",
    metadata,
    _run_id(),
    Column("step", Integer, primary_key=True),
    Column("loss", Float, nullable=False),
    Column("accuracy", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="CASCADE"), index=True, nullable=False),
    Column("time", Float, nullable=False),
    Column("text", Text, nullable=False),
)

blobs = Table(
    "blobs",
    metadata,
    _run_id(),
    Column("name", String(40), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

engine_lease = Table(
    "engine_lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("owner", String(40), nullable=False),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("beat", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("address", String(200), nullable=False, default=""),
    Column("workers", Text, nullable=False, default="[]"),
    Column("problem", Text, nullable=False, default=""),
)
"""One row at most: which process is the engine of this store, where it listens, and what its workers have."""

attendance = Table(
    "attendance",
    metadata,
    Column("host", String(200), primary_key=True),
    Column("pid", Integer, primary_key=True),
    Column("beat", Float, nullable=False),
)
"""Web servers and commands that want the engine to stay."""

sweeps = Table(
    "sweeps",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("question", String(40), nullable=False, default=""),
    Column("design", Text, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("wish", String(8), nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("created", Float, nullable=False),
    Column("started", Float, nullable=False),
    Column("ended", Float),
    Column("spent", Float, nullable=False, default=0.0),
    Column("importances", Text, nullable=False, default="{}"),
    Column("chosen", String(16), nullable=False, default=""),
    Column("expected", Float),
    _owner(),
)
"""Searches over settings. ``started``: of the latest stretch, moved on by what an engine did not work on it; ``ended``:
when one last did; ``spent``: seconds of the stretches before it; ``expected``: the best held-out accuracy that a reader
wrote down before it began."""

sweep_trials = Table(
    "sweep_trials",
    metadata,
    Column("sweep_id", String(16), ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("run_id", String(16), ForeignKey("runs.id", ondelete="SET NULL"), index=True),
    Column("params", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("value", Float),
    Column("second", Float),
    Column("seconds", Float),
    Column("message", Text, nullable=False, default=""),
    Column("score", Boolean, nullable=False, default=False),
)
"""What a sweep has tried; a trial outlives its run's deletion, so that each is counted once.

``value`` and ``second``: the objectives; ``score``: whether the run may be scored on the test set.
"""

expectations = Table(
    "expectations",
    metadata,
    _run_id(),
    Column("accuracy", Float, nullable=False),
)
"""What a reader wrote down, before the run began, that its test accuracy would be."""

visitors = Table(
    "visitors",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(40), nullable=False, default=""),
    Column("teacher", String(64), nullable=False, default=""),
    Column("seen", Float, nullable=False, index=True),
)
"""Who has been here. ``name``: if they chose one; ``teacher``: proof of knowing the PIN (``mnist_core.visitors``)."""

drawings = Table(
    "drawings",
    metadata,
    Column("owner", String(32), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("time", Float, nullable=False, index=True),
    Column("image", LargeBinary, nullable=False),
    Column("strokes", Text, nullable=False, default="[]"),
    Column("stroke_count", Integer),
    Column("answer", String(40), nullable=False, default=""),
    Column("sure", Float),
    Column("label", Integer, index=True),
)
"""What was drawn and read: a visitor's last ones, and those that were kept with a label. ``image``: uint8 (28, 28).

``stroke_count``: also of a drawing whose strokes are too long to be kept.
"""
