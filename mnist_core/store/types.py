"""Text columns that take whatever a visitor sends: a text that no database can hold loses those signs, not the row."""

from __future__ import annotations

from sqlalchemy import types
from sqlalchemy.engine import Dialect


def storable(text: str) -> str:
    """The text with ``?`` for halves of characters, and the replacement character for NUL, which PostgreSQL refuses."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


class _Storable:
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


class String(_Storable, types.TypeDecorator):
    """SQLAlchemy's ``String``, for what is stored and for what is asked for."""

    impl, cache_ok = types.String, True


class Text(_Storable, types.TypeDecorator):
    """SQLAlchemy's ``Text``."""

    impl, cache_ok = types.Text, True
