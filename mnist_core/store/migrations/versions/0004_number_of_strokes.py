"""Number of strokes"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = '0003'


def upgrade():
    with op.batch_alter_table('drawings', schema=None) as batch_op:
        batch_op.add_column(sa.Column('stroke_count', sa.Integer(), nullable=True))
