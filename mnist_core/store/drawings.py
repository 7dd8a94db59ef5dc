"""Drawings in the database: the last ones of a visitor with their answers, and those kept with a label."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, case, delete, func, insert, select, update

from mnist_core.data.mnist import Digits
from mnist_core.errors import StoreError
from mnist_core.store.database import Database
from mnist_core.store.tables import drawings

LAST = 8
"""How many of a visitor's last drawings stay without being kept."""

MOST_KEPT = 500
"""Drawings that a visitor may keep: some kilobytes each with their strokes, and never more than some ten megabytes."""

MOST_STROKES, MOST_STROKES_KEPT = 100_000, 20_000
"""Signs that the strokes of one drawing may take, one of the last or one that is kept, which is a single digit; a
longer one cannot be drawn again, but is read and kept."""

FORGOTTEN_SECONDS = 30 * 86_400
"""After that long the last drawings of visitors who have not come again go."""

FULL = f"You have kept {MOST_KEPT} drawings, which is all there is room for. Remove some under *My handwriting* first."
GONE = "This drawing is no longer there. Draw it again to keep it."

SIDE = 28


@dataclass(frozen=True, eq=False)
class Drawing:
    """One drawing: the picture as networks see it, uint8 ``(28, 28)``, and where it came from.

    Attributes:
        strokes: as the canvas tells them; none of a photo.
        answer: what was read, such as ``7`` or ``2026``; ``sure``: how sure the network was, 0..1.
        label: the digit that it is, said by who drew it; ``None`` if nothing was said.
    """

    id: str
    time: float
    image: np.ndarray
    strokes: list[dict[str, Any]]
    answer: str
    sure: float | None
    label: int | None


class Drawings:
    """All drawings of one visitor; safe to use from many threads and processes."""

    def __init__(self, database: Database, owner: str = ""):
        self._database, self._owner = database, owner
        self._own = drawings.c.owner == owner

    def remember(
        self, drawing_id: str, image: np.ndarray, strokes: Sequence[dict[str, Any]], answer: str, sure: float
    ) -> bool:
        """Notes how a drawing looks now and what was read, as the last one; those before the last eight go.

        Returns:
            ``False`` if it was kept with a label and looks otherwise now: it is another drawing then.
        """
        told = json.dumps(list(strokes), separators=(",", ":"))
        row = {"time": time.time(), "image": image.astype(np.uint8).tobytes(), "answer": answer[:40], "sure": sure}
        row |= {"strokes": told if len(told) <= MOST_STROKES else "[]", "stroke_count": len(strokes)}
        with self._database.write() as connection:
            known = connection.execute(select(drawings).where(self._own, drawings.c.id == drawing_id)).first()
            if known is None:
                connection.execute(insert(drawings).values(id=drawing_id, owner=self._owner, **row))
                self._forget(connection)
                return True
            # Strokes that come back from a browser differ by roundings, and so does their picture: only more or fewer
            # of them make another one.
            same = known.stroke_count == len(strokes)
            if known.label is not None:
                return same
            if same:
                del row["time"]  # it keeps its place
            connection.execute(update(drawings).where(self._own, drawings.c.id == drawing_id).values(row))
        return True

    def last(self, count: int = LAST) -> list[Drawing]:
        """The last drawings that can be drawn again, newest first."""
        query = select(drawings).where(self._own, drawings.c.strokes != "[]")
        return self._read(query.order_by(drawings.c.time.desc()).limit(count))

    def kept(self) -> list[Drawing]:
        """Those with a label, newest first."""
        query = select(drawings).where(self._own, drawings.c.label.is_not(None))
        return self._read(query.order_by(drawings.c.time.desc(), drawings.c.id))

    def label_of(self, drawing_id: str) -> int | None:
        with self._database.read() as connection:
            query = select(drawings.c.label).where(self._own, drawings.c.id == drawing_id)
            return connection.execute(query).scalar()

    def keep(self, drawing_id: str, label: int | None) -> None:
        """Keeps a drawing as the digit that it is; without a label it is one of the last ones again.

        Raises:
            StoreError: the visitor has kept as many as there is room for, or the drawing is gone.
        """
        if label is not None and not 0 <= label <= 9:
            raise StoreError(f"A drawing is kept as one of the digits 0 to 9, not as {label}.")
        columns: dict[str, Any] = {"label": label}
        with self._database.write() as connection:
            if label is not None:
                endless = func.length(drawings.c.strokes) > MOST_STROKES_KEPT
                columns["strokes"] = case((endless, "[]"), else_=drawings.c.strokes)
                others = select(func.count()).where(
                    self._own, drawings.c.label.is_not(None), drawings.c.id != drawing_id
                )
                if connection.execute(others).scalar() >= MOST_KEPT:
                    raise StoreError(FULL)
            changed = update(drawings).where(self._own, drawings.c.id == drawing_id).values(columns)
            if not connection.execute(changed).rowcount:
                raise StoreError(GONE)

    def remove(self, ids: Collection[str]) -> None:
        """Deletes drawings; those that are gone already are no error."""
        with self._database.write() as connection:
            connection.execute(delete(drawings).where(self._own, drawings.c.id.in_(list(ids))))

    def _forget(self, connection: Connection) -> None:
        """Lets go of what is neither kept nor among the last, the one that is being drawn and those before it."""
        loose = drawings.c.label.is_(None)
        last = select(drawings.c.id).where(self._own, loose).order_by(drawings.c.time.desc()).limit(LAST + 1)
        kept = connection.execute(last).scalars().all()
        connection.execute(delete(drawings).where(self._own, loose, drawings.c.id.not_in(kept)))
        connection.execute(delete(drawings).where(loose, drawings.c.time < time.time() - FORGOTTEN_SECONDS))

    def _read(self, query) -> list[Drawing]:
        with self._database.read() as connection:
            return [
                Drawing(row.id, row.time, _image(row.image), json.loads(row.strokes), row.answer, row.sure, row.label)
                for row in connection.execute(query)
            ]


def as_digits(kept: Sequence[Drawing]) -> Digits:
    """Kept drawings as a labelled set, as MNIST is one."""
    images = np.array([drawing.image for drawing in kept], np.uint8).reshape(-1, SIDE, SIDE)
    return Digits(images, np.array([drawing.label for drawing in kept], np.uint8))


def _image(data: bytes) -> np.ndarray:
    return np.frombuffer(data, np.uint8).reshape(SIDE, SIDE)
