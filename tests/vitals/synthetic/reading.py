"""Independent reading of the twin's uploads: fastavro and plain Python, nothing of the twin's own encoder."""

import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from statistics import median

import fastavro
import fastavro._read
import numpy as np
import zstandard

from vitals.record_types import BY_AVRO_NAME
from vitals.synthetic.cohort import Upload
from vitals.synthetic.truth import UploadTruth, value_digest

SAMSUNG, OURA = "com.sec.android.app.shealth", "com.ouraring.oura"


def _zstandard_block(file: io.BytesIO) -> io.BytesIO:
    size = shift = 0
    while True:
        byte = file.read(1)[0]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return io.BytesIO(zstandard.decompress(file.read(size >> 1)))


# fastavro reads this codec only with a package that is not among our dependencies.
fastavro._read.BLOCK_READERS["zstandard"] = _zstandard_block


def rows(upload: Upload) -> list[dict]:
    return list(fastavro.reader(io.BytesIO(upload.data)))


def header(upload: Upload) -> tuple[str, str]:
    """Schema text and codec of a file."""
    reader = fastavro.reader(io.BytesIO(upload.data))
    return reader.metadata["avro.schema"], reader.codec


def start_ms(row: dict) -> int:
    return row["timeEpochMillis"] if "timeEpochMillis" in row else row["startTimeEpochMillis"]


def end_ms(row: dict) -> int:
    return row["timeEpochMillis"] if "timeEpochMillis" in row else row["endTimeEpochMillis"]


def start_zone(row: dict) -> str | None:
    return row["zoneOffsetId"] if "zoneOffsetId" in row else row["startZoneOffsetId"]


def end_zone(row: dict) -> str | None:
    return row["zoneOffsetId"] if "zoneOffsetId" in row else row["endZoneOffsetId"]


def app(row: dict) -> str:
    return row["metadata"]["dataOriginPackageName"]


def record_id(row: dict) -> str:
    return row["metadata"]["id"]


def revision_order(row: dict) -> tuple[int, int, int]:
    meta = row["metadata"]
    return meta["lastModifiedTimeEpochMillis"], meta["clientRecordVersion"], row["appRecordFetchTimeEpochMillis"]


def sound_samples(row: dict) -> list[tuple[int, int]]:
    """Samples that can be, each once; of two at one instant that which is nearer to the median of the others."""
    given = dict.fromkeys((s["timeEpochMillis"], s["beatsPerMinute"]) for s in row["samples"])
    begin, end = start_ms(row) - 60_000, end_ms(row) + 60_000
    possible = [(at, bpm) for at, bpm in given if begin <= at <= end and 30 <= bpm <= 240]
    rivals = Counter(at for at, _ in possible)
    alone = [bpm for at, bpm in possible if rivals[at] == 1]
    best = {
        at: min((bpm for other, bpm in possible if other == at), key=lambda bpm: (abs(bpm - median(alone)), bpm))
        for at, n in rivals.items()
        if n > 1 and alone
    }
    return [(at, bpm) for at, bpm in possible if rivals[at] == 1 or best.get(at) == bpm]


def sound_stages(row: dict) -> list[tuple[int, int, str]]:
    """Stages that can be, each once."""
    given = dict.fromkeys((s["startTimeEpochMillis"], s["endTimeEpochMillis"], s["stage"]) for s in row["stages"])
    return [one for one in given if one[0] <= one[1] and one[1] >= start_ms(row) and one[0] <= end_ms(row)]


VALUES = {
    "blood_glucose": lambda r: [int(r["levelInMilligramsPerDeciliter"] + 0.5)],
    "heart_rate": sound_samples,
    "sleep": sound_stages,
    "steps": lambda r: [r["count"]],
    "active_calories": lambda r: [r["energyInKilocalories"]],
    "hrv_rmssd": lambda r: [r["heartRateVariabilityRmssd"]],
}


def digest(kind: str, row: dict) -> str:
    """The truth's digest, from a decoded row."""
    return value_digest(kind, start_ms=start_ms(row), end_ms=end_ms(row), values=VALUES[kind](row))


def kind_of(upload: Upload) -> str:
    return BY_AVRO_NAME[upload.type_name].kind


def good_rows(uploads: Iterable[Upload], truths: Iterable[UploadTruth]) -> dict[tuple[str, str], list[dict]]:
    """Rows that must be accepted, in order of delivery, by user and kind."""
    by_key = {t.key: t for t in truths}
    found = defaultdict(list)
    for upload in uploads:
        truth = by_key[upload.key]
        if truth.state == "processed":
            bad = {b.row_index for b in truth.bad_rows}
            found[upload.user, kind_of(upload)] += [r for i, r in enumerate(rows(upload)) if i not in bad]
    return found


def final_revisions(deliveries: list[dict]) -> dict[str, dict]:
    """The winning revision of each record, by its id."""
    return {record_id(row): row for row in sorted(deliveries, key=revision_order)}


def offset_seconds(zone: str) -> int:
    if zone == "Z":
        return 0
    sign = -1 if zone[0] == "-" else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)


class ZoneRule:
    """docs/spec/data_facts.md: the offset in force is the last trusted observation at or before an instant.

    `Z` is trusted if nobody says anything else, or if an app says it that elsewhere names another offset.
    """

    def __init__(self, deliveries: list[dict]) -> None:
        seen = {(start_ms(r), app(r), start_zone(r)) for r in deliveries}
        seen |= {(end_ms(r), app(r), end_zone(r)) for r in deliveries}
        given = sorted((at, source, offset_seconds(zone)) for at, source, zone in seen if zone)
        others = {offset for _, _, offset in given if offset}
        aware = {source for _, source, offset in given if offset}
        trusted = [(at, o) for at, source, o in given if o or not others or source in aware]
        self.at = np.array([at for at, _ in trusted])
        self.offset = np.array([offset for _, offset in trusted])

    def offset_at(self, instants: np.ndarray) -> np.ndarray:
        return self.offset[np.maximum(np.searchsorted(self.at, instants, side="right") - 1, 0)]
