"""What a tenant sets of how its facts are computed. Nothing set means the default."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)

# As in 0003: a session that works for one tenant says so.
POLICY = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)


def upgrade() -> None:
    op.create_table(
        "tenant_setting",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_tenant_setting_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_tenant_setting"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tenant_setting_tenant_name", "tenant_setting", ["tenant", "name"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE tenant_setting ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE tenant_setting FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY tenant_setting_of_one_tenant ON tenant_setting USING ({POLICY}) WITH CHECK ({POLICY})"
        )


def downgrade() -> None:
    op.drop_table("tenant_setting")
