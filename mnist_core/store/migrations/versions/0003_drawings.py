"""Drawings"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = '0002'


def upgrade():
    op.create_table('drawings',
    sa.Column('owner', sa.String(length=32), nullable=False),
    sa.Column('id', sa.String(length=32), nullable=False),
    sa.Column('time', sa.Float(), nullable=False),
    sa.Column('image', sa.LargeBinary(), nullable=False),
    sa.Column('strokes', sa.Text(), nullable=False),
    sa.Column('answer', sa.String(length=40), nullable=False),
    sa.Column('sure', sa.Float(), nullable=True),
    sa.Column('label', sa.Integer(), nullable=True),
    sa.PrimaryKeyConstraint('owner', 'id')
    )
    with op.batch_alter_table('drawings', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_drawings_label'), ['label'], unique=False)
        batch_op.create_index(batch_op.f('ix_drawings_time'), ['time'], unique=False)
