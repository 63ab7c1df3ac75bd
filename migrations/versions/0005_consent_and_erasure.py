"""Consent by purpose, erased people, and versions of releases that were taken back.

The types are written out rather than taken from the models: a revision says what was, the models what is.
Nobody has decided anything yet, so everything stays as it was: allowed.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.naming import conv

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON()

TENANTED = ("consent", "erasure")

# As in 0003: a session that works for one tenant says so.
POLICY = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)

STATES = "state IN ('building', 'published', 'blocked'{more})"
STATE = conv("ck_dataset_version_state")


def upgrade() -> None:
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=True),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("granted", sa.Boolean(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.CheckConstraint("purpose IN ('summary', 'training', 'sharing')", name=op.f("ck_consent_purpose")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_consent_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_consent"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_consent_tenant_purpose", "consent", ["tenant", "purpose"])
    op.create_index("ix_consent_tenant_subject_id", "consent", ["tenant", "subject_id"])
    op.create_table(
        "erasure",
        sa.Column("erasure_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("tombstone", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("steps", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("certificate", JSON, nullable=True),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_erasure_tenant"),
        sa.PrimaryKeyConstraint("erasure_id", name="pk_erasure"),
        sa.UniqueConstraint("tenant", "tombstone", name="uq_erasure_tenant_tombstone"),
    )
    with op.batch_alter_table("dataset_version") as table:
        table.add_column(sa.Column("tombstoned_at", INSTANT, nullable=True))
        table.add_column(sa.Column("successor", sa.String(), nullable=True))
        table.drop_constraint(STATE, type_="check")
        table.create_check_constraint(STATE, STATES.format(more=", 'tombstoned'"))
        table.create_check_constraint(
            op.f("ck_dataset_version_tombstoned"), "(state = 'tombstoned') = (tombstoned_at IS NOT NULL)"
        )
    if op.get_bind().dialect.name == "postgresql":
        for name in TENANTED:
            op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY {name}_of_one_tenant ON {name} USING ({POLICY}) WITH CHECK ({POLICY})")


def downgrade() -> None:
    # To the older code a version without files is one that is not published.
    op.execute(
        "UPDATE dataset_version SET state = 'blocked', tombstoned_at = NULL, manifest_sha256 = NULL "
        "WHERE state = 'tombstoned'"
    )
    with op.batch_alter_table("dataset_version") as table:
        table.drop_constraint(op.f("ck_dataset_version_tombstoned"), type_="check")
        table.drop_constraint(STATE, type_="check")
        table.create_check_constraint(STATE, STATES.format(more=""))
        table.drop_column("successor")
        table.drop_column("tombstoned_at")
    op.drop_table("erasure")
    op.drop_table("consent")
