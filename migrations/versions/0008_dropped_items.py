"""Items that were taken out of lists of good rows, counted by reason in the row accounting of each upload.

Uploads that were read before lost none: a record with an impossible item was quarantined as a whole. Reading them again
(`vitalgraph backfill validated --reprocess`) brings its siblings.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("upload") as table:
        table.add_column(sa.Column("dropped_items", sa.JSON(), server_default=sa.text("'{}'"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("upload") as table:
        table.drop_column("dropped_items")
