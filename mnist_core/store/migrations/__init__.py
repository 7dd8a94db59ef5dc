"""Brings the tables of an older version of MNIST Lab to this one, by Alembic; only then is that imported.

Each change of ``store/tables.py`` has a revision in ``versions``, which ``python -m tools.migration "what changes"``
writes.
"""

from __future__ import annotations

from pathlib import Path

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy.engine import Connection

from mnist_core.errors import StoreError
from mnist_core.store.tables import version

FOLDER = Path(__file__).parent


def context(connection: Connection) -> MigrationContext:
    """Alembic's view of the database. Optuna keeps a version of its own there, so ours has another table."""
    return MigrationContext.configure(connection, opts={"version_table": version.name, "compare_type": True})


def revisions() -> ScriptDirectory:
    return ScriptDirectory(str(FOLDER))


def upgrade(connection: Connection, found: str = "base") -> None:
    """From the version ``found`` to the newest, within the caller's transaction.

    Raises:
        StoreError: the database was made by a version of MNIST Lab that is newer than this one.
    """
    script, here = revisions(), context(connection)
    try:
        missing = list(script.iterate_revisions("head", found))
    except RevisionError:
        raise StoreError(
            f"The database has tables of version {found!r}, which this MNIST Lab does not know. It was left as it is: "
            f"update MNIST Lab, or name another database."
        ) from None
    with Operations.context(here):
        for revision in reversed(missing):
            revision.module.upgrade()
    here.stamp(script, "head")
