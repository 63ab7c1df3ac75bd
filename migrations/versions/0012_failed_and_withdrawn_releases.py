"""Releases that could not be built, and those that were withdrawn.

A version that was `building` when its process ended is found out by the next command that looks at releases.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.sql.naming import conv

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATE = conv("ck_dataset_version_state")
TOMBSTONED = conv("ck_dataset_version_tombstoned")
STATES = "state IN ('building', 'published', 'blocked', 'tombstoned'{more})"


def upgrade() -> None:
    with op.batch_alter_table("dataset_version") as table:
        table.drop_constraint(STATE, type_="check")
        table.drop_constraint(TOMBSTONED, type_="check")
        table.create_check_constraint(STATE, STATES.format(more=", 'failed', 'withdrawn'"))
        table.create_check_constraint(
            TOMBSTONED, "(state IN ('tombstoned', 'withdrawn')) = (tombstoned_at IS NOT NULL)"
        )


def downgrade() -> None:
    # To the older code a version that failed may be built again, and one without files was taken back.
    versions = sa.table("dataset_version", sa.column("state", sa.String()))
    op.execute(versions.update().where(versions.c.state == "failed").values(state="blocked"))
    with op.batch_alter_table("dataset_version") as table:
        table.drop_constraint(STATE, type_="check")
        table.drop_constraint(TOMBSTONED, type_="check")
    op.execute(versions.update().where(versions.c.state == "withdrawn").values(state="tombstoned"))
    with op.batch_alter_table("dataset_version") as table:
        table.create_check_constraint(STATE, STATES.format(more=""))
        table.create_check_constraint(TOMBSTONED, "(state = 'tombstoned') = (tombstoned_at IS NOT NULL)")
