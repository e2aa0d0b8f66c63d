"""Recommendations keep the sums of the guidelines and tiers beside them; of older ones they are not known."""

import sqlalchemy as sa
from alembic import op

from service.store.types import Document

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the column."""
    op.add_column("recommendation", sa.Column("rules", Document))
