"""Whose catalog it is, and from where a tenant counts attempts after a catalog was lost.

The row of the installation is entered when the catalog is opened next: it speaks of keys, which are not here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "installation",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("installation_id", sa.String(), nullable=False),
        sa.Column("subject_key_check", sa.String(), nullable=False),
        sa.Column("erasure_key_check", sa.String(), nullable=False),
        sa.Column("next_key_check", sa.String(), nullable=True),
        sa.Column("former_keys", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_installation_only_one")),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.add_column("tenant", sa.Column("attempts_before", sa.Integer(), server_default=sa.text("0"), nullable=False))


def downgrade() -> None:
    op.drop_column("tenant", "attempts_before")
    op.drop_table("installation")
