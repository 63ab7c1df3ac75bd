"""The picture of a partition: drawn from counts, readable by a browser, the same whatever the values are."""

import base64
import re
from datetime import UTC, date, datetime
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from assets.pictures import STATED, clinical_picture
from pipeline.clinical import clinical_schema
from vitals.clinical.metrics import metrics_of
from vitals.record_types import RECORD_TYPES, RecordType

SVG = "{http://www.w3.org/2000/svg}"


def facts(record_type: RecordType, *, value: float, people: int = 3) -> pl.DataFrame:
    """Rows in which every second metric is stated."""
    schema = clinical_schema(record_type)
    stated = {metric.column: value for metric in metrics_of(record_type.kind, "day")[::2]}
    row = {"local_date": date(2025, 9, 1), "sources": [{"app": "com.example.<b>&co", "used": True}], **stated}
    if "series" in schema:
        row["series"] = [{"utc": datetime(2025, 9, 1, 12, tzinfo=UTC), "offset_seconds": 3600, "value": value}]
    names = {name for name, dtype in schema.items() if not isinstance(dtype, pl.List)} | {"sources", "series"}
    frame = pl.DataFrame(
        [{name: row.get(name) for name in schema if name in names} | {"subject_id": str(n)} for n in range(people)],
        schema_overrides={"local_date": pl.Date},
        infer_schema_length=None,
    )
    if "series" in frame.columns:
        utc = pl.element().struct.field("utc").cast(pl.Datetime("ms", "UTC"))
        frame = frame.with_columns(pl.col("series").list.eval(pl.element().struct.with_fields(utc)))
    return frame


def drawing(record_type: RecordType, rows: pl.DataFrame) -> str:
    picture = clinical_picture(record_type, rows)
    assert picture is not None
    found = re.fullmatch(r"!\[[^\]]+\]\(data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)\)", picture.value)
    assert found is not None
    return base64.b64decode(found[1]).decode()


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_a_picture_names_kind_day_people_and_every_metric_of_the_day_up_to_twenty(record_type):
    tree = ET.fromstring(drawing(record_type, facts(record_type, value=1.0)))
    texts = [text.text for text in tree.iter(f"{SVG}text")]
    assert texts[0] == f"{record_type.title}: 3 people on 2025-09-01"
    assert [t for t in texts if t in {m.column for m in metrics_of(record_type.kind, "day")}] == [
        metric.column for metric in metrics_of(record_type.kind, "day")[:20]
    ]


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_no_value_changes_a_picture_and_people_do(record_type):
    rows = facts(record_type, value=1.0)
    assert drawing(record_type, rows) == drawing(record_type, facts(record_type, value=97.0))
    assert drawing(record_type, rows) == drawing(record_type, rows.reverse())
    assert drawing(record_type, rows) != drawing(record_type, facts(record_type, value=1.0, people=4))


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_a_bar_is_as_long_as_its_share_of_people(record_type):
    tree = ET.fromstring(drawing(record_type, facts(record_type, value=1.0)))
    bars = [path for path in tree.iter(f"{SVG}path") if path.get("fill") == STATED][-1]
    widths = [float(width) for width in re.findall(r"h([0-9.]+)v", bars.get("d", ""))]
    metrics = metrics_of(record_type.kind, "day")[:20]
    assert [width > 0 for width in widths] == [number % 2 == 0 for number in range(len(metrics))]


def test_an_empty_partition_has_no_picture():
    record_type = RECORD_TYPES[0]
    assert clinical_picture(record_type, facts(record_type, value=1.0).clear()) is None
