"""Makes a database's tables those of this version: new ones at once, older ones by migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, insert, inspect, select, text
from sqlalchemy.schema import CreateIndex, CreateTable

from mnist_core.store.tables import metadata, runs, version

if TYPE_CHECKING:
    from mnist_core.store.database import Database

FIRST, HEAD = "0001", "0005"
"""The oldest and the newest revision in ``store/migrations``, known here so that opening needs no Alembic."""

LOCK = 0x4D4E4953
"""Any number that no other program on the same PostgreSQL server takes for its own lock: "MNIS"."""


def make_ready(database: Database) -> None:
    """Several processes may do so at the same time: one of them changes the tables, the others wait for it."""
    with database.read() as connection:
        if _found(connection) == HEAD:
            return
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        found = _found(connection)
        if found is None:
            _create(connection)
        elif found != HEAD:
            from mnist_core.store import migrations  # Alembic, only where there is something to change

            migrations.upgrade(connection, found)


def _found(connection: Connection) -> str | None:
    """The version of the tables that are there; ``None`` of a new database."""
    tables = inspect(connection)
    if tables.has_table(version.name):
        return connection.execute(select(version.c.version_num)).scalar()
    if not tables.has_table(runs.name):
        return None
    connection.execute(select(runs.c.id, runs.c.config, runs.c.status).limit(1)).first()  # or another program's
    return FIRST  # which did not say so yet


def _create(connection: Connection) -> None:
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    connection.execute(insert(version).values(version_num=HEAD))
