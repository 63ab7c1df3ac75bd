"""What is below `raw/` and in no books, and why.

Keys with a landing day that had not come, or seemed so to a late clock, were refused for good; they are looked at again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "left_out",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("first_seen", INSTANT, nullable=False),
        sa.Column("last_seen", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_left_out_tenant"),
        sa.PrimaryKeyConstraint("tenant", "key", name="pk_left_out"),
    )
    op.execute(
        "DELETE FROM upload WHERE reason = 'bad_key' AND detail = 'the key has a landing day that is no partition' "
        "AND upload_id NOT IN (SELECT upload_id FROM batch_member) "
        "AND upload_id NOT IN (SELECT upload_id FROM quarantine) "
        "AND upload_id NOT IN (SELECT upload_id FROM rule_exemption)"
    )


def downgrade() -> None:
    op.drop_table("left_out")
