"""A study with one person who can be told from everybody else, for tests of erasure.

Belongs here: the uploads with what is planted in them, and everything by which that person could be told.
Does not belong here: looking for it (`tests.every_byte`), erasing.
"""

import hashlib
import io
from datetime import date
from functools import cache
from pathlib import Path

import fastavro
import orjson
import polars as pl

from operations.erasure.search import find_person
from pipeline.release.releases import release
from tests.flow import TENANT, installation, land, run_stages
from vitals.record_types import RECORD_TYPES
from vitals.release.spec import read_spec
from vitals.release.traces import person_digest, source_digest
from vitals.synthetic.cohort import generate
from vitals.synthetic.settings import TwinSettings

USER = "anna-canary-7f3a"
TITLE, APP = "canary title of a night", "com.canary.source.q7z"
OWN_APP = "CANARYPHONE of Anna"
"""Free text where the name of a package should stand."""
DAY = "2025/09/15"
ODD_COUNT = 987_654_321


@cache
def uploads(people: int) -> tuple[tuple[str, bytes], ...]:
    """A cohort whose first person is USER, with things planted that must be found nowhere afterwards."""
    settings = TwinSettings(seed=5, people=people, days=1, first_day=date(2025, 9, 15), faults=frozenset())
    found = []
    planted = False
    for upload in generate(settings):
        key, data = upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", DAY), upload.data
        if upload.user == "twin0000":
            key = key.replace("twin0000", USER)
            spoilt = "Steps" in upload.type_name and not planted
            planted |= spoilt
            data = _planted(data, spoilt=spoilt)
        found.append((key, data))
    folder = f"raw/StepsRecord/{DAY}"
    whole_file = (f"{folder}/{USER}_1757941803805_ffff.avro", b"no Avro file, and a canary value 0x7f3a7f3a in it")
    bad_key = (f"{folder}/{USER}.avro", b"canary value 0x7f3a7f3a")
    unsupported = (f"raw/WeightRecord/{DAY}/{USER}_1757941803805_eeee.avro", b"canary value 0x7f3a7f3a")
    return (*found, whole_file, bad_key, unsupported)


def _planted(data: bytes, *, spoilt: bool) -> bytes:
    """The same records from apps of their own, the nights titled, one count out of all bounds."""
    reader = fastavro.reader(io.BytesIO(data))
    records = list(reader)
    for record in records:
        record["metadata"]["dataOriginPackageName"] = OWN_APP if spoilt else APP
        if "title" in record:
            record["title"] = TITLE
    if spoilt:
        records[0]["count"] = ODD_COUNT
    out = io.BytesIO()
    fastavro.writer(out, reader.writer_schema, records, codec="deflate")
    return out.getvalue()


def study(home: Path, people: int, *, releases: bool):
    settings, workspace = installation(home)
    land(workspace.lake(TENANT), uploads(people))
    run_stages(workspace)
    if releases:
        # People of one day have none in a de-identified release: their newest is left out.
        for name, profile in (("nights", "none"), ("days", "none")):
            assert release(workspace, spec(name, profile), run_id=None).published
    return settings, workspace


def spec(name, profile, version="1.0"):
    return read_spec(
        {"name": name, "version": version, "license": "cc-by-4.0", "profile": profile,
         # A de-identified release takes no day that is still open.
         "provisional": profile == "none",
         "validation_share": 0.2, "test_share": 0.2, "formats": ["messages", "text"]}
    )  # fmt: skip


def needles(workspace) -> set[str]:
    """Everything by which USER could be told, as it stands before the erasure."""
    lake, subject_id = workspace.lake(TENANT), workspace.subject_id(TENANT, USER)
    found = {USER, subject_id, TITLE, APP, OWN_APP, str(ODD_COUNT), "0x7f3a7f3a"}
    for record_type in RECORD_TYPES:
        for table in (f"validated/{record_type.kind}", f"validated/{record_type.kind}_deliveries"):
            rows = lake.table(table).filter(pl.col("subject_id") == subject_id).collect()
            found |= set(rows["record_id"])
    for key, _ in uploads(people_of(workspace)):
        if USER in key:
            found.add(hashlib.sha256(key.encode()).hexdigest())
            found.add(source_digest(hashlib.sha256(key.encode()).hexdigest(), key=workspace.subject_key))
    found.add(person_digest(subject_id, key=workspace.subject_key))
    person = find_person(workspace, TENANT, USER)
    found |= {upload.upload_id for upload in workspace.catalog.erasures.uploads(TENANT, person)}
    for line in lines_of(workspace):
        if orjson.loads(line)["metadata"]["subject_id"] == subject_id:
            found.add(orjson.loads(line)["id"])
    assert len(found) > 50
    return found


def people_of(workspace) -> int:
    return len(workspace.catalog.subjects.subject_ids(TENANT))


def lines_of(workspace) -> list[bytes]:
    lake = workspace.lake(TENANT)
    return [line for found in lake.objects("training/") for line in lake.read_object(found.key).splitlines()]


def others(workspace) -> list[bytes]:
    mark = workspace.subject_id(TENANT, USER).encode()
    return [line for line in lines_of(workspace) if mark not in line]
