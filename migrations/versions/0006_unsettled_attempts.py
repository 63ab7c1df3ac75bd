"""How often an upload was taken in vain, apart from how often it was taken.

What the surroundings of an upload make fail is not held against it, so the two differ. Nothing is held against those
that are in the books already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("upload") as table:
        table.add_column(sa.Column("unsettled_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False))
        table.create_check_constraint(
            op.f("ck_upload_unsettled_attempts"), "unsettled_attempts >= 0 AND unsettled_attempts <= attempts"
        )


def downgrade() -> None:
    with op.batch_alter_table("upload") as table:
        table.drop_constraint(op.f("ck_upload_unsettled_attempts"), type_="check")
        table.drop_column("unsettled_attempts")
