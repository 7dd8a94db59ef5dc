"""Writes a revision of the tables from what ``store/tables.py`` says: ``python -m tools.migration "what changes"``.

``--baseline`` writes the first one anew, as long as no database is in use that has it.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine, types
from sqlalchemy.sql.type_api import TypeEngine

from mnist_core.store import migrations, schema
from mnist_core.store.tables import metadata, version

VERSIONS = migrations.FOLDER / "versions"
BASELINE = "0001"

PAGE = '''"""{message}"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    {body}
'''


def body(connection: Connection) -> str:
    """The statements that lead from the tables of a database to those that are declared."""
    options = {"version_table": version.name, "compare_type": True, "render_item": _plain_type}
    context = MigrationContext.configure(connection, opts=options | {"render_as_batch": True})
    return render_python_code(
        produce_migrations(context, metadata).upgrade_ops, render_as_batch=True, render_item=_plain_type
    ).strip()


def write(message: str, revision: str, down: str | None, statements: str) -> Path:
    statements = re.sub(r"^ +# ###.*\n?", "", f"    {statements}", flags=re.M).strip()
    name = "baseline" if down is None else re.sub(r"\W+", "_", message.lower()).strip("_")[:40]
    path = VERSIONS / f"{revision}_{name}.py"
    path.write_text(PAGE.format(message=message, revision=revision, down=down, body=statements), encoding="utf-8")
    return path


def _plain_type(kind: str, item: object, _context: object) -> str | bool:
    """A revision must stay what it is, so it names SQLAlchemy's own types and not ours."""
    if kind == "type" and isinstance(item, types.TypeDecorator):
        inner: TypeEngine = item.impl_instance
        return f"sa.{inner!r}"
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("message", nargs="?", default="baseline")
    parser.add_argument("--baseline", action="store_true")
    options = parser.parse_args()
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        if options.baseline:
            print(write("The tables as they were first released.", BASELINE, None, body(connection)))
            return
        migrations.upgrade(connection)
        statements = body(connection)
    revision = f"{int(schema.HEAD) + 1:04}"
    print(write(options.message, revision, schema.HEAD, statements))
    print(f'Read it, and set HEAD = "{revision}" in mnist_core/store/schema.py.')


if __name__ == "__main__":
    main()
