"""Expected of sweeps"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = '0004'


def upgrade():
    with op.batch_alter_table('sweeps', schema=None) as batch_op:
        batch_op.add_column(sa.Column('expected', sa.Float(), nullable=True))
