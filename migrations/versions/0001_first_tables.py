"""First tables: tenants, people, uploads and what became of them, stale days, zone evidence, audit.

The types are written out rather than taken from the models: a revision says what was, the models what is.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
ZERO = sa.text("0")


def upgrade() -> None:
    tenant = op.create_table(
        "tenant",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("root_url", sa.String(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_tenant"),
    )
    op.bulk_insert(tenant, [{"name": "default", "created_at": datetime.now(UTC)}])
    op.create_table(
        "subject",
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("external_user", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("age_years", sa.Double(), nullable=True),
        sa.Column("weight_kg", sa.Double(), nullable=True),
        sa.Column("diabetes", sa.String(), server_default="unknown", nullable=False),
        sa.Column("source_priority", sa.JSON(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("diabetes IN ('yes', 'no', 'unknown')", name=op.f("ck_subject_diabetes")),
        sa.CheckConstraint("age_years >= 0 AND age_years <= 130", name=op.f("ck_subject_age_years")),
        sa.CheckConstraint("weight_kg > 0 AND weight_kg <= 700", name=op.f("ck_subject_weight_kg")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_subject_tenant"),
        sa.PrimaryKeyConstraint("subject_id", name="pk_subject"),
        sa.UniqueConstraint("tenant", "external_user", name="uq_subject_tenant_external_user"),
    )
    _create_upload()
    op.create_table(
        "quarantine",
        sa.Column("id", ID, nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("row_index", sa.Integer(), nullable=True),
        sa.Column("record_id", sa.String(), nullable=True),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("rule_id", sa.String(), nullable=False),
        sa.Column("rule_version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("first_seen", INSTANT, nullable=False),
        sa.Column("payload_ref", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_quarantine_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
        sa.UniqueConstraint("upload_id", "row_index", name="uq_quarantine_upload_id_row_index"),
        sqlite_autoincrement=True,
    )
    whole_file = sa.text("row_index IS NULL")
    op.create_index(
        "uq_quarantine_whole_file",
        "quarantine",
        ["upload_id"],
        unique=True,
        sqlite_where=whole_file,
        postgresql_where=whole_file,
    )
    op.create_index("ix_quarantine_tenant_id", "quarantine", ["tenant", "id"])
    op.create_index("ix_quarantine_tenant_kind_rule_id", "quarantine", ["tenant", "kind", "rule_id"])
    op.create_index("ix_quarantine_tenant_subject_id", "quarantine", ["tenant", "subject_id"])
    op.create_table(
        "partial_record",
        sa.Column("id", ID, nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("row_index", sa.Integer(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("first_seen", INSTANT, nullable=False),
        sa.Column("status", sa.String(), server_default="waiting", nullable=False),
        sa.CheckConstraint("status IN ('waiting', 'completed', 'discarded')", name=op.f("ck_partial_record_status")),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_partial_record_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_partial_record"),
        sa.UniqueConstraint("upload_id", "row_index", name="uq_partial_record_upload_id_row_index"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_partial_record_tenant_status_kind", "partial_record", ["tenant", "status", "kind"])
    op.create_index("ix_partial_record_tenant_subject_id", "partial_record", ["tenant", "subject_id"])
    op.create_table(
        "stale_day",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("marked_at", INSTANT, nullable=False),
        sa.CheckConstraint("stage IN ('clinical', 'training')", name=op.f("ck_stale_day_stage")),
        sa.PrimaryKeyConstraint("tenant", "stage", "kind", "local_date", name="pk_stale_day"),
    )
    op.create_table(
        "zone_observation",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("source_app", sa.String(), nullable=False),
        sa.Column("utc_date", sa.Date(), nullable=False),
        sa.Column("offset_seconds", sa.Integer(), nullable=False),
        sa.Column("first_utc_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_utc_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("first_utc_ms <= last_utc_ms", name=op.f("ck_zone_observation_span")),
        sa.PrimaryKeyConstraint(
            "tenant", "subject_id", "source_app", "utc_date", "offset_seconds", name="pk_zone_observation"
        ),
    )
    op.create_table(
        "subject_fetch",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("latest_fetch_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject_id", "kind", name="pk_subject_fetch"),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_event_tenant_at", "audit_event", ["tenant", "at"])


def downgrade() -> None:
    for table in (
        "audit_event",
        "subject_fetch",
        "zone_observation",
        "stale_day",
        "partial_record",
        "quarantine",
        "upload",
        "subject",
        "tenant",
    ):
        op.drop_table(table)


def _create_upload() -> None:
    op.create_table(
        "upload",
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("key_sha256", sa.String(), nullable=False),
        sa.Column("etag", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("type_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=True),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("landing_day", sa.Date(), nullable=False),
        sa.Column("landed_at", INSTANT, nullable=False),
        sa.Column("fetched_utc", INSTANT, nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("rows_total", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("rows_accepted", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("rows_duplicate", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("rows_superseded", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("rows_partial", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("rows_quarantined", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("score", sa.Double(), nullable=True),
        sa.Column("schema_hash", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=ZERO, nullable=False),
        sa.Column("settled_attempt", sa.Integer(), nullable=True),
        sa.Column("first_utc_date", sa.Date(), nullable=True),
        sa.Column("last_utc_date", sa.Date(), nullable=True),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("trace_id", sa.String(), nullable=True),
        sa.Column("claimed_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('landed', 'processing', 'processed', 'quarantined', 'duplicate', 'failed', 'unsupported')",
            name=op.f("ck_upload_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('processed', 'quarantined', 'duplicate') OR rows_total = "
            "rows_accepted + rows_duplicate + rows_superseded + rows_partial + rows_quarantined",
            name=op.f("ck_upload_books"),
        ),
        sa.CheckConstraint(
            "rows_total >= 0 AND rows_accepted >= 0 AND rows_duplicate >= 0 AND rows_superseded >= 0 "
            "AND rows_partial >= 0 AND rows_quarantined >= 0",
            name=op.f("ck_upload_counts"),
        ),
        sa.CheckConstraint(
            "kind IS NOT NULL OR state NOT IN ('landed', 'processing')", name=op.f("ck_upload_pending_has_kind")
        ),
        sa.CheckConstraint("score >= 0 AND score <= 1", name=op.f("ck_upload_score")),
        sa.CheckConstraint("size_bytes >= 0 AND attempts >= 0 AND duration_ms >= 0", name=op.f("ck_upload_measures")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_upload_tenant"),
        sa.PrimaryKeyConstraint("upload_id", name="pk_upload"),
        sa.UniqueConstraint("tenant", "key", "etag", name="uq_upload_tenant_key_etag"),
    )
    op.create_index("ix_upload_tenant_landing_day_kind_state", "upload", ["tenant", "landing_day", "kind", "state"])
    op.create_index("ix_upload_tenant_state", "upload", ["tenant", "state"])
    pending = sa.text("state IN ('landed', 'processing')")
    op.create_index(
        "ix_upload_pending",
        "upload",
        ["tenant", "landing_day", "kind", "state"],
        sqlite_where=pending,
        postgresql_where=pending,
    )
    op.create_index("ix_upload_tenant_subject_id", "upload", ["tenant", "subject_id"])
    op.create_index("ix_upload_key_sha256", "upload", ["key_sha256"])
