"""What an upload holds decides which version of an object it is; sizes and times only say when to look.

Rows that were there keep their ids. Their content is noted when they are listed or read next.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("upload", sa.Column("content_sha256", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("upload", "content_sha256")
