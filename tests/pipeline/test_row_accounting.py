"""What the checks compare: the books of a landing day, and a tenant's books with its table."""

from datetime import UTC, date, datetime

from pipeline.registration import register_day
from pipeline.row_accounting import kept_rows, partition_books
from pipeline.validated.landing_day import validate_day
from pipeline.validated.records_table import read_records, records_table
from tests.flow import TENANT, installation, land
from vitals.record_types import STEPS
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import NO_FAULTS
from vitals.synthetic.settings import TwinSettings

FIRST_DAY = date(2025, 9, 1)


def test_books_and_table_count_the_same_rows_until_one_of_them_loses_some(tmp_path):
    _, workspace = installation(tmp_path)
    lake = workspace.lake(TENANT)
    twin = TwinSettings(seed=1, people=2, days=2, first_day=FIRST_DAY, faults=NO_FAULTS)
    uploads = [upload for upload in generate(twin) if upload.type_name == STEPS.avro_name]
    land(lake, ((upload.key, upload.data) for upload in uploads))
    landing_days = sorted({upload.landing_day for upload in uploads})
    for day in landing_days:
        register_day(workspace, tenant=TENANT, record_type=STEPS, landing_day=day, today=datetime.now(UTC).date())
        validate_day(workspace, tenant=TENANT, record_type=STEPS, landing_day=day, run_id="a")

    of_days = [
        partition_books(workspace, tenant=TENANT, record_type=STEPS, landing_day=day).rows for day in landing_days
    ]
    kept = kept_rows(workspace, tenant=TENANT, record_type=STEPS)
    assert kept.in_table == kept.in_books == sum(rows["accepted"] for rows in of_days) > 0
    assert sum(rows["total"] for rows in of_days) == sum(upload.rows for upload in uploads)

    lost = read_records(lake, STEPS, [FIRST_DAY]).collect()
    lake.replace(records_table(STEPS), lost.clear(), partition_by="utc_date", values=[FIRST_DAY])
    after = kept_rows(workspace, tenant=TENANT, record_type=STEPS)
    assert after.in_books == kept.in_books
    assert after.in_table == kept.in_table - lost.height < kept.in_table
