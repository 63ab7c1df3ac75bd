"""Row-level security denies where nobody said whose rows are asked for, and binds every table with rows of a tenant.

Before, a transaction that said nothing saw everything, and four tables had no policy. A transaction that works for all
tenants now says so (`vitalgraph.every_tenant`); under the policies of before it says nothing of a tenant, and so sees
what it saw.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

WITH_POLICY = (
    "subject",
    "upload",
    "quarantine",
    "partial_record",
    "stale_day",
    "zone_observation",
    "subject_fetch",
    "audit_event",
    "dataset_version",
    "api_token",
    "rule_policy",
    "rule_exemption",
    "required_context",
    "completion",
    "batch_member",
    "consent",
    "erasure",
    "presumed_deletion",
    "tenant_setting",
)
WITHOUT = ("left_out", "tenant", "dataset_contributor", "desk_session")

BEFORE = (
    "coalesce(current_setting('vitalgraph.tenant', true), '') = '' "
    "OR tenant = current_setting('vitalgraph.tenant', true)"
)

# In brackets of their own, so that the server reads each once for a statement and not for every row.
EVERYBODY = "(SELECT current_setting('vitalgraph.every_tenant', true)) = 'on'"
TENANT = "(SELECT nullif(current_setting('vitalgraph.tenant', true), ''))"

CONDITIONS = {
    "tenant": f"name = {TENANT}",
    "dataset_contributor": f"dataset_id IN (SELECT id FROM dataset_version WHERE tenant = {TENANT})",  # noqa: S608 - our own names
    "desk_session": f"token_id IN (SELECT token_id FROM api_token WHERE tenant = {TENANT})",  # noqa: S608 - our own names
}


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in WITH_POLICY:
        op.execute(f"DROP POLICY {table}_of_one_tenant ON {table}")
    for table in WITHOUT:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for table in (*WITH_POLICY, *WITHOUT):
        condition = f"{EVERYBODY} OR {CONDITIONS.get(table, f'tenant = {TENANT}')}"
        op.execute(f"CREATE POLICY {table}_of_one_tenant ON {table} USING ({condition}) WITH CHECK ({condition})")


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in (*WITH_POLICY, *WITHOUT):
        op.execute(f"DROP POLICY {table}_of_one_tenant ON {table}")
    for table in WITHOUT:
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in WITH_POLICY:
        op.execute(f"CREATE POLICY {table}_of_one_tenant ON {table} USING ({BEFORE}) WITH CHECK ({BEFORE})")
