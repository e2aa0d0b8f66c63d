"""Patients, visits that can be retracted, outcomes: the tables before there were revisions."""

import sqlalchemy as sa
from alembic import op

from service.store.types import Document, UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "patient",
        sa.Column("patient_id", sa.Uuid(), primary_key=True),
        sa.Column("patient_ref", sa.String(100), nullable=False),
        sa.Column("centre", sa.String(100), nullable=False),
        sa.Column("tier", sa.String(60)),
        sa.Column("study", sa.String(60), nullable=False),
        sa.Column("origin_date", sa.Date(), nullable=False),
        sa.Column("baseline", Document, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.UniqueConstraint("centre", "patient_ref"),
    )
    op.create_table(
        "visit",
        sa.Column("visit_id", sa.Uuid(), primary_key=True),
        sa.Column("patient_id", sa.Uuid(), sa.ForeignKey("patient.patient_id", ondelete="CASCADE"), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("markers", Document, nullable=False),
        sa.Column("tests", Document, nullable=False),
        sa.Column("note", sa.String(2000)),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("retracted_at", UtcDateTime()),
    )
    present = sa.text("retracted_at IS NULL")
    op.create_index(
        "visit_of_a_day", "visit", ["patient_id", "date"], unique=True, sqlite_where=present, postgresql_where=present
    )
    op.create_table(
        "outcome",
        sa.Column("patient_id", sa.Uuid(), sa.ForeignKey("patient.patient_id", ondelete="CASCADE"), primary_key=True),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
    )
