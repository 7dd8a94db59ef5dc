"""Owners of runs and sweeps, visitors, and which training holds a run."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ADDED = {
    "runs": {"holder": sa.String(32), "deaths": sa.Integer(), "owner": sa.String(32)},
    "sweeps": {"owner": sa.String(32)},
}


def upgrade():
    # Databases of the days between the two have some of this and do not say so.
    present = sa.inspect(op.get_bind())
    for table, columns in ADDED.items():
        names = {column["name"] for column in present.get_columns(table)}
        for name, kind in columns.items():
            if name not in names:
                default = "0" if isinstance(kind, sa.Integer) else ""
                op.add_column(table, sa.Column(name, kind, nullable=False, server_default=default))
        op.create_index(f"ix_{table}_owner", table, ["owner"], if_not_exists=True)
    if not present.has_table("visitors"):
        op.create_table(
            "visitors",
            sa.Column("id", sa.String(32), primary_key=True),
            sa.Column("name", sa.String(40), nullable=False),
            sa.Column("teacher", sa.String(64), nullable=False),
            sa.Column("seen", sa.Float(), nullable=False),
        )
        op.create_index("ix_visitors_seen", "visitors", ["seen"])
