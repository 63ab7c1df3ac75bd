"""Decisions of people: bounds of rules, exemptions, completions, required context, batches, and what audit asks.

The types are written out rather than taken from the models: a revision says what was, the models what is.
Rows that were there keep what they had: nothing discarded or released, version 1, judged by no bounds of the tenant's.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

TENANTED = ("rule_policy", "rule_exemption", "required_context", "completion", "batch_member")

# As in 0003: a session that works for one tenant says so.
POLICY = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)

AUDIT_INDEXES = {
    "ix_audit_event_tenant_actor_at": ["tenant", "actor", "at"],
    "ix_audit_event_tenant_action_at": ["tenant", "action", "at"],
    "ix_audit_event_tenant_duration_ms": ["tenant", "duration_ms"],
}


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("policy_version", sa.Integer(), server_default=sa.text("0"), nullable=False))
    op.add_column("quarantine", sa.Column("payload_hash", sa.BigInteger(), nullable=True))
    op.add_column("quarantine", sa.Column("released_at", INSTANT, nullable=True))
    op.add_column("quarantine", sa.Column("discarded_at", INSTANT, nullable=True))
    op.add_column("partial_record", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.add_column("audit_event", sa.Column("duration_ms", sa.BigInteger(), nullable=True))
    for name, columns in AUDIT_INDEXES.items():
        op.create_index(name, "audit_event", columns)
    _create_rules()
    _create_completions()
    op.create_table(
        "batch_member",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("batch_id", sa.String(), nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_batch_member_tenant"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_batch_member_upload_id"),
        sa.PrimaryKeyConstraint("tenant", "batch_id", "upload_id", name="pk_batch_member"),
    )
    op.create_index("ix_batch_member_upload_id", "batch_member", ["upload_id"])
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANTED:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY {table}_of_one_tenant ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")


def downgrade() -> None:
    for table in reversed(TENANTED):
        op.drop_table(table)
    for name in AUDIT_INDEXES:
        op.drop_index(name, "audit_event")
    op.drop_column("audit_event", "duration_ms")
    op.drop_column("partial_record", "version")
    # The older code knows no released rows: to it they would be in quarantine again.
    op.execute("DELETE FROM quarantine WHERE released_at IS NOT NULL")
    for column in ("discarded_at", "released_at", "payload_hash", "policy_version"):
        op.drop_column("quarantine", column)


def _create_rules() -> None:
    op.create_table(
        "rule_policy",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("bound", sa.String(), nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        *_decision(),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_rule_policy_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_policy"),
        sa.UniqueConstraint("tenant", "rule", "version", name="uq_rule_policy_tenant_rule_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "rule_exemption",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("record_id", sa.String(), nullable=True),
        sa.Column("payload_hash", sa.BigInteger(), nullable=True),
        sa.Column("rule", sa.String(), nullable=False),
        *_decision(),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_rule_exemption_tenant"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_rule_exemption_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_rule_exemption"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_rule_exemption_tenant_kind", "rule_exemption", ["tenant", "kind"])
    op.create_index("ix_rule_exemption_tenant_subject_id", "rule_exemption", ["tenant", "subject_id"])


def _create_completions() -> None:
    op.create_table(
        "required_context",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        *_decision(),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_required_context_tenant"),
        sa.PrimaryKeyConstraint("tenant", "kind", "field", name="pk_required_context"),
    )
    op.create_table(
        "completion",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("source_app", sa.String(), nullable=False),
        sa.Column("start_utc_ms", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=True),
        *_decision(),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("undone_by", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_completion_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_completion"),
        sqlite_autoincrement=True,
    )
    in_force = sa.text("undone_at IS NULL")
    op.create_index(
        "uq_completion_in_force",
        "completion",
        ["tenant", "kind", "subject_id", "record_id", "field"],
        unique=True,
        sqlite_where=in_force,
        postgresql_where=in_force,
    )
    op.create_index("ix_completion_tenant_subject_id", "completion", ["tenant", "subject_id"])


def _decision() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
    )
