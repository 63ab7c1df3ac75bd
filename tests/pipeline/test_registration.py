"""What is entered in the books of an object that landed."""

from datetime import UTC, date, datetime

import pytest

from interfaces.cli.ledger import upload_json
from pipeline.registration import register
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.flow import TENANT, installation, land
from tests.meter_uploads import meter_upload, reading

DAY = "raw/StepsRecord/2025/09/20"


@pytest.mark.parametrize(
    ("key", "detail"),
    [
        (f"{DAY}/anna%40x_1758407139312_a.avro", "the key is percent-encoded"),
        (f"{DAY}/anna_1758407139312.avro", "the key has a file name of none of the known forms"),
        ("raw/StepsRecord/1999/12/31/anna_1758407139312_a.avro", "the key has a landing day that is no partition"),
    ],
)
def test_a_bad_key_is_entered_with_what_is_wrong_about_it_and_the_books_show_it(tmp_path, key, detail):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [(key, b"x")])
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    (upload,) = workspace.catalog.uploads.versions(TENANT, key)
    shown = upload_json(upload)
    assert (shown["state"], shown["reason"], shown["detail"]) == ("quarantined", "bad_key", detail)


def test_a_good_key_has_nothing_to_explain(tmp_path):
    _, workspace = installation(tmp_path)
    key, data = meter_upload([reading(0)])
    land(workspace.lake(TENANT), [(key, data)])
    register(workspace, tenant=TENANT, listed=workspace.lake(TENANT).objects("raw/"), today=date(2025, 9, 20))
    (upload,) = workspace.catalog.uploads.versions(TENANT, key)
    assert (upload.state, upload.reason, upload.detail) == ("landed", None, None)
