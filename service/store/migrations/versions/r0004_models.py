"""Which model answered when, and how silent ones differed from it."""

import sqlalchemy as sa
from alembic import op

from service.store.types import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "model_change",
        sa.Column("sequence", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("share", sa.Float()),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("reason", sa.String(2000), nullable=False),
    )
    op.create_table(
        "shadow",
        sa.Column("sequence", sa.Integer(), sa.ForeignKey("model_change.sequence"), primary_key=True),
        sa.Column("compared", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
    )
    op.create_table(
        "shadow_difference",
        sa.Column("sequence", sa.Integer(), sa.ForeignKey("shadow.sequence"), primary_key=True),
        sa.Column("event", sa.String(60), primary_key=True),
        sa.Column("horizon_months", sa.Float(), primary_key=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("total", sa.Float(), nullable=False),
        sa.Column("greatest", sa.Float(), nullable=False),
    )
