"""Corrections keep what they correct; recommendations, the audit log and idempotency keys are kept."""

import sqlalchemy as sa
from alembic import op

from service.store.types import Document, UtcDateTime

revision = "0002"
down_revision = "0001"

STATEMENTS = ("patient_statement", "visit_statement", "outcome_statement")


def upgrade() -> None:
    """Make the new tables and move into them what the old ones hold."""
    _statements()
    _move()
    _recommendations()
    _idempotency_keys()
    _audit()


def _patient_id(*, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(
        "patient_id", sa.Uuid(), sa.ForeignKey("patient.patient_id", ondelete="CASCADE"), nullable=nullable, index=True
    )


def _interval() -> tuple[sa.Column[object], ...]:
    return (
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("superseded_at", UtcDateTime()),
    )


def _statements() -> None:
    op.create_table(
        "patient_statement",
        sa.Column("row_id", sa.Uuid(), primary_key=True),
        _patient_id(),
        *_interval(),
        sa.Column("tier", sa.String(60)),
        sa.Column("origin_date", sa.Date(), nullable=False),
        sa.Column("baseline", Document, nullable=False),
    )
    op.create_table(
        "visit_statement",
        sa.Column("row_id", sa.Uuid(), primary_key=True),
        _patient_id(),
        *_interval(),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("markers", Document, nullable=False),
        sa.Column("tests", Document, nullable=False),
        sa.Column("note", sa.String(2000)),
    )
    op.create_table(
        "outcome_statement",
        sa.Column("row_id", sa.Uuid(), primary_key=True),
        _patient_id(),
        *_interval(),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("event", sa.String(60), nullable=False),
    )
    present = sa.text("superseded_at IS NULL")
    for name, table, columns in (
        ("present_patient", "patient_statement", ["patient_id"]),
        ("present_visit", "visit_statement", ["visit_id"]),
        ("present_visit_of_a_day", "visit_statement", ["patient_id", "date"]),
        ("present_outcome", "outcome_statement", ["patient_id"]),
    ):
        op.create_index(name, table, columns, unique=True, sqlite_where=present, postgresql_where=present)


def _move() -> None:
    op.execute(
        "INSERT INTO patient_statement (row_id, patient_id, recorded_at, tier, origin_date, baseline) "
        "SELECT patient_id, patient_id, recorded_at, tier, origin_date, baseline FROM patient"
    )
    op.execute(
        "INSERT INTO visit_statement"
        " (row_id, patient_id, recorded_at, superseded_at, visit_id, date, markers, tests, note) "
        "SELECT visit_id, patient_id, recorded_at, retracted_at, visit_id, date, markers, tests, note FROM visit"
    )
    op.execute(
        "INSERT INTO outcome_statement (row_id, patient_id, recorded_at, date, event) "
        "SELECT patient_id, patient_id, recorded_at, date, event FROM outcome"
    )
    # SQLite adds no column that must be there without a default; every row gets its own moment right after.
    op.add_column(
        "patient", sa.Column("changed_at", UtcDateTime(), nullable=False, server_default="1900-01-01 00:00:00.000000")
    )
    moments = " UNION ALL ".join(
        f"SELECT patient_id, {column} AS moment FROM {table}"  # noqa: S608 (names of ours)
        for table in STATEMENTS
        for column in ("recorded_at", "superseded_at")
    )
    op.execute(
        "UPDATE patient SET changed_at ="  # noqa: S608 (names of ours)
        f" (SELECT max(moment) FROM ({moments}) AS each WHERE each.patient_id = patient.patient_id)"
    )
    for column in ("tier", "origin_date", "baseline"):
        op.drop_column("patient", column)
    op.drop_table("visit")
    op.drop_table("outcome")


def _recommendations() -> None:
    op.create_table(
        "recommendation",
        sa.Column("recommendation_id", sa.Uuid(), primary_key=True),
        _patient_id(),
        sa.Column("made_at", UtcDateTime(), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("model_version", sa.String(100), nullable=False),
        sa.Column("model_sha256", sa.String(64), nullable=False),
        sa.Column("policy", sa.String(60), nullable=False),
        sa.Column("policy_text", sa.Text(), nullable=False),
        sa.Column("policy_sha256", sa.String(64), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("output", sa.LargeBinary(), nullable=False),
        sa.Column("output_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "decision",
        sa.Column(
            "recommendation_id",
            sa.Uuid(),
            sa.ForeignKey("recommendation.recommendation_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("decided_at", UtcDateTime(), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("decision", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(2000)),
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_key",
        sa.Column("caller", sa.String(200), primary_key=True),
        sa.Column("key", sa.String(200), primary_key=True),
        _patient_id(nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False, index=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("headers", Document, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _audit() -> None:
    entries = op.create_table(
        "audit_entry",
        sa.Column("sequence", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("moment", UtcDateTime(), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("patient_id", sa.Uuid(), index=True),
        sa.Column("request_id", sa.String(100)),
        sa.Column("details", Document, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    assert entries is not None
    op.create_table(
        "audit_head",
        sa.Column("head_id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.execute(f"INSERT INTO audit_head (head_id, sequence, hash) VALUES (1, 0, '{'0' * 64}')")  # noqa: S608
