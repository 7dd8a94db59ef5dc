"""Visitors in the database: what they call themselves, and who is here now."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import Connection, case, delete, func, select, update

from mnist_core.store.database import Database, upserting
from mnist_core.store.tables import drawings, runs, sweeps, visitors
from mnist_core.visitors import Visitor, clean_name, given_name, is_teacher, teacher_proof

HERE_SECONDS = 60.0
"""How long after its last sign of life a visitor counts as here."""

KEPT_SECONDS = 90 * 86_400.0
"""After that long without a visit, one who has left no run is forgotten, and with them what they drew."""

NOBODY = "this machine"
"""Whose the runs are that commands made."""


class VisitorStore:
    """All visitors of one database."""

    def __init__(self, database: Database):
        self._database = database

    def enter(self, visitor: str, most: int = 0, called: str = "") -> bool:
        """Says that a visitor is here, again and again while they are.

        Args:
            called: the name from elsewhere, such as a sign-in, which becomes that of who has none yet.

        Returns:
            ``False`` if ``most`` others are here already and this one was not; with 0 there is no limit.
        """
        now = time.time()
        with self._database.write() as connection:
            if most and not self._is_here(connection, visitor, now):
                others = select(func.count()).where(visitors.c.seen > now - HERE_SECONDS)
                if connection.execute(others).scalar() >= most:
                    return False
            name = case((visitors.c.name == "", called), else_=visitors.c.name)
            known = update(visitors).where(visitors.c.id == visitor).values(seen=now, name=name)
            if not connection.execute(known).rowcount:
                query = upserting(connection, visitors).values(id=visitor, name=called, teacher="", seen=now)
                connection.execute(query.on_conflict_do_nothing())
                self._forget_old(connection, now)
        return True

    def get(self, visitor: str, pin: str = "", called: str = "") -> Visitor:
        """A visitor by id, known or not.

        Args:
            pin: the teacher's, if there is one.
            called: a name from elsewhere, such as a sign-in, for who has none yet.
        """
        with self._database.read() as connection:
            row = connection.execute(select(visitors).where(visitors.c.id == visitor)).first()
        name = (row.name if row else "") or called or given_name(visitor)
        return Visitor(visitor, name, bool(row) and is_teacher(pin, visitor, row.teacher), bool(pin))

    def rename(self, visitor: str, name: str) -> None:
        """``NotAllowed`` for an empty name. Runs show the new one, earlier ones too."""
        self._change(visitor, name=clean_name(name))

    def set_teacher(self, visitor: str, pin: str) -> None:
        """Keeps that a visitor knew the PIN; an empty one makes a visitor of the teacher again."""
        self._change(visitor, teacher=teacher_proof(pin, visitor) if pin else "")

    def names(self, ids: Iterable[str]) -> dict[str, str]:
        """What the owners of runs are called."""
        wanted = set(ids)
        with self._database.read() as connection:
            query = select(visitors.c.id, visitors.c.name).where(visitors.c.id.in_(wanted - {""}))
            chosen = dict(connection.execute(query).all())
        return {owner: (chosen.get(owner) or given_name(owner)) if owner else NOBODY for owner in wanted}

    def _change(self, visitor: str, **columns: str) -> None:
        with self._database.write() as connection:
            query = upserting(connection, visitors).values({"id": visitor, "seen": time.time()} | columns)
            connection.execute(query.on_conflict_do_update(index_elements=["id"], set_=columns))

    @staticmethod
    def _is_here(connection: Connection, visitor: str, now: float) -> bool:
        query = select(visitors.c.id).where(visitors.c.id == visitor, visitors.c.seen > now - HERE_SECONDS)
        return connection.execute(query).first() is not None

    @staticmethod
    def _forget_old(connection: Connection, now: float) -> None:
        owners = select(runs.c.owner).union(select(sweeps.c.owner))
        old = (visitors.c.seen < now - KEPT_SECONDS) & visitors.c.id.not_in(owners)
        connection.execute(delete(visitors).where(old))
        nobodys = drawings.c.owner.not_in(select(visitors.c.id)) & (drawings.c.time < now - KEPT_SECONDS)
        connection.execute(delete(drawings).where(nobodys))
