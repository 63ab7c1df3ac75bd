"""Keys of the HTTP API, and row-level security under whatever works for one tenant.

The types are written out rather than taken from the models: a revision says what was, the models what is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

TENANTED = (
    "subject",
    "upload",
    "quarantine",
    "partial_record",
    "stale_day",
    "zone_observation",
    "subject_fetch",
    "audit_event",
    "dataset_version",
    "api_token",
)

# A session that works for one tenant says so; stages and sensors, which work for all, say nothing.
POLICY = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)


def upgrade() -> None:
    op.create_table(
        "api_token",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.CheckConstraint("role IN ('reader', 'reviewer', 'admin')", name=op.f("ck_api_token_role")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_api_token_tenant"),
        sa.PrimaryKeyConstraint("token_id", name="pk_api_token"),
        sa.UniqueConstraint("tenant", "name", name="uq_api_token_tenant_name"),
    )
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANTED:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY {table}_of_one_tenant ON {table} USING ({POLICY}) WITH CHECK ({POLICY})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table in TENANTED:
            op.execute(f"DROP POLICY {table}_of_one_tenant ON {table}")
            op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    op.drop_table("api_token")
