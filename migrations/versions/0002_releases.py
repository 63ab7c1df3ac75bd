"""Releases: versions of data sets, and who is in each.

The types are written out rather than taken from the models: a revision says what was, the models what is.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dataset_version",
        sa.Column("id", ID, nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("manifest_sha256", sa.String(), nullable=True),
        sa.Column("examples", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("people", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("run_id", sa.String(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.CheckConstraint("state IN ('building', 'published', 'blocked')", name=op.f("ck_dataset_version_state")),
        sa.CheckConstraint(
            "state <> 'published' OR manifest_sha256 IS NOT NULL",
            name=op.f("ck_dataset_version_published_has_manifest"),
        ),
        sa.CheckConstraint("examples >= 0 AND people >= 0", name=op.f("ck_dataset_version_counts")),
        sa.ForeignKeyConstraint(["tenant"], ["tenant.name"], name="fk_dataset_version_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_version"),
        sa.UniqueConstraint("tenant", "name", "version", name="uq_dataset_version_tenant_name_version"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset_contributor",
        sa.Column("dataset_id", ID, nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.CheckConstraint("examples > 0", name=op.f("ck_dataset_contributor_examples")),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset_version.id"], name="fk_dataset_contributor_dataset_id"),
        sa.PrimaryKeyConstraint("dataset_id", "subject_id", name="pk_dataset_contributor"),
    )
    op.create_index("ix_dataset_contributor_subject_id", "dataset_contributor", ["subject_id"])


def downgrade() -> None:
    op.drop_table("dataset_contributor")
    op.drop_table("dataset_version")
