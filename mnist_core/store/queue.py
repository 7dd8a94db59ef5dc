"""The queue as it stands in the database: the runs whose status is *queued*, in fair turns."""

from __future__ import annotations

from sqlalchemy import func, select

from mnist_core.store.database import Database
from mnist_core.store.tables import runs
from mnist_core.turns import Waiting, fair_order


def in_order(database: Database) -> list[Waiting]:
    """Waiting runs, next first (``mnist_core.turns``)."""
    columns = runs.c.id, runs.c.owner, runs.c.queued, runs.c.wish
    with database.read() as connection:
        rows = connection.execute(select(*columns).where(runs.c.status == "queued")).all()
        waiting = [Waiting(row.id, row.owner, row.queued, row.wish == "stop") for row in rows]
        owners = {run.owner for run in waiting}
        if len(owners) < 2:  # nobody to take turns with, which the engine finds many times a second
            return fair_order(waiting)
        running = connection.execute(select(runs.c.owner).where(runs.c.status == "running")).scalars().all()
        ended = runs.c.ended.is_not(None) & runs.c.started.is_not(None) & runs.c.owner.in_(owners)
        served = connection.execute(select(runs.c.owner, func.max(runs.c.ended)).where(ended).group_by(runs.c.owner))
        return fair_order(waiting, running, dict(served.all()))


def count_waiting(database: Database, owner: str) -> int:
    """How many runs of a visitor wait."""
    query = select(func.count()).where(runs.c.status == "queued", runs.c.owner == owner)
    with database.read() as connection:
        return connection.execute(query).scalar()
