"""What readers foretold of their runs, written down before they began."""

from __future__ import annotations

from sqlalchemy import select

from mnist_core.errors import StoreError
from mnist_core.store.database import Database, upserting
from mnist_core.store.tables import expectations


def require_share(accuracy: float) -> None:
    """``StoreError`` if an accuracy is not within 0..1."""
    if not 0 <= accuracy <= 1:
        raise StoreError(f"An expected accuracy lies between 0 % and 100 %, not at {accuracy:.0%}.")


def expect(database: Database, run_id: str, accuracy: float) -> None:
    """Writes down a test accuracy, 0..1; the first word counts. ``StoreError`` if it is no share."""
    require_share(accuracy)
    with database.write() as connection:
        query = upserting(connection, expectations).values(run_id=run_id, accuracy=accuracy)
        connection.execute(query.on_conflict_do_nothing())


def expected(database: Database, run_id: str) -> float | None:
    with database.read() as connection:
        return connection.execute(select(expectations.c.accuracy).where(expectations.c.run_id == run_id)).scalar()
