"""Sessions of the review desk, keys that expire, and names of revoked keys that may be given again."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
IN_USE = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    with op.batch_alter_table("api_token") as table:
        table.add_column(sa.Column("expires_at", INSTANT, nullable=True))
        table.drop_constraint("uq_api_token_tenant_name", type_="unique")
    op.create_index(
        "uq_api_token_name_in_use",
        "api_token",
        ["tenant", "name"],
        unique=True,
        sqlite_where=IN_USE,
        postgresql_where=IN_USE,
    )
    op.create_table(
        "desk_session",
        sa.Column("session_sha256", sa.String(), nullable=False),
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("begun_at", INSTANT, nullable=False),
        sa.Column("seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["token_id"], ["api_token.token_id"], name="fk_desk_session_token_id"),
        sa.PrimaryKeyConstraint("session_sha256", name="pk_desk_session"),
    )
    op.create_index("ix_desk_session_token_id", "desk_session", ["token_id"])


def downgrade() -> None:
    op.drop_table("desk_session")
    op.drop_index("uq_api_token_name_in_use", "api_token")
    # A name that was given again belongs to the key that counts.
    op.execute("UPDATE api_token SET name = name || ' ' || token_id WHERE revoked_at IS NOT NULL")
    with op.batch_alter_table("api_token") as table:
        table.drop_column("expires_at")
        table.create_unique_constraint("uq_api_token_tenant_name", ["tenant", "name"])
