"""Records that a later fetch shows to be deleted: a list of them, and their rows in the row accounting.

Nothing that is there is presumed deleted; uploads that are read again find what they show. On the way back such rows are
accepted again, and facts use them.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
POLICY = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)
STATES = "state NOT IN ('processed', 'quarantined', 'duplicate') OR rows_total = "


def _checks(*names: str) -> tuple[str, str]:
    columns = [f"rows_{name}" for name in names]
    return STATES + " + ".join(columns), " AND ".join(f"{column} >= 0" for column in ("rows_total", *columns))


BEFORE = _checks("accepted", "duplicate", "superseded", "partial", "quarantined")
AFTER = _checks("accepted", "duplicate", "superseded", "presumed_deleted", "partial", "quarantined")


def _replace_checks(table: Any, checks: tuple[str, str]) -> None:
    for name, condition in zip(("books", "counts"), checks, strict=True):
        table.drop_constraint(op.f(f"ck_upload_{name}"), type_="check")
        table.create_check_constraint(op.f(f"ck_upload_{name}"), condition)


def upgrade() -> None:
    with op.batch_alter_table("upload") as table:
        table.add_column(sa.Column("rows_presumed_deleted", sa.Integer(), server_default=sa.text("0"), nullable=False))
        _replace_checks(table, AFTER)
    op.create_table(
        "presumed_deletion",
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("record_id", sa.String(), nullable=False),
        sa.Column("upload_id", sa.String(), nullable=False),
        sa.Column("utc_date", sa.Date(), nullable=False),
        sa.Column("presumed_deleted_utc", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_presumed_deletion_tenant"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.upload_id"], name="fk_presumed_deletion_upload_id"),
        sa.PrimaryKeyConstraint("tenant", "kind", "subject_id", "record_id", name="pk_presumed_deletion"),
    )
    op.create_index("ix_presumed_deletion_tenant_kind_utc_date", "presumed_deletion", ["tenant", "kind", "utc_date"])
    op.create_index("ix_presumed_deletion_upload_id", "presumed_deletion", ["upload_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE presumed_deletion ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE presumed_deletion FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY presumed_deletion_of_one_tenant ON presumed_deletion USING ({POLICY}) WITH CHECK ({POLICY})"
        )


def downgrade() -> None:
    op.drop_table("presumed_deletion")
    op.execute("UPDATE upload SET rows_accepted = rows_accepted + rows_presumed_deleted, rows_presumed_deleted = 0")
    with op.batch_alter_table("upload") as table:
        _replace_checks(table, BEFORE)
        table.drop_column("rows_presumed_deleted")
