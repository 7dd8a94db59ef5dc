"""Number of strokes"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = '0003'


def upgrade():
    with op.batch_alter_table('drawings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('stroke_count', sa.Integer(), nullable=True))
    # Those that are there are counted: a drawing that is looked at again must be the same one.
    drawings = sa.table('drawings', *map(sa.column, ('owner', 'id', 'strokes', 'stroke_count')))
    for row in op.get_bind().execute(sa.select(drawings)).all():
        here = (drawings.c.owner == row.owner) & (drawings.c.id == row.id)
        op.execute(drawings.update().where(here).values(stroke_count=len(json.loads(row.strokes))))
