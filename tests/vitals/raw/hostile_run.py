"""Decodes the hostile corpus in a process of its own and prints what happened, as JSON.

Run as ``python -m tests.vitals.raw.hostile_run COUNT SEED``. Of its own, because memory is only told per process.
"""

import collections
import io
import json
import resource
import sys

import fastavro

from tests.vitals.raw.hostile import corpus
from tests.vitals.raw.making import block, expected_rows, header, make_records, upload
from vitals.raw.container import Container, Limits, read_container
from vitals.raw.decode import RawObject, decode
from vitals.raw.schemas import reader_schema
from vitals.record_types import RECORD_TYPES

BATCH = 250
LIMITS = Limits(max_decompressed_bytes=64 * 1024 * 1024)


def peak_mb(who):
    return resource.getrusage(who).ru_maxrss / 1024


def second_opinion(data, kind):
    """fastavro's rows for the same bytes, or None if it gives none."""
    sound = read_container(data, limits=LIMITS)
    assert isinstance(sound, Container)
    # fastavro cannot inflate zstandard here, so it gets the same records uncompressed.
    plain = header(sound.schema_json) + block(sound.records, sound.payload)
    try:
        return expected_rows(kind, list(fastavro.reader(io.BytesIO(plain), reader_schema=reader_schema(kind).tree)))
    except Exception:  # noqa: BLE001  whatever fastavro raises, it gave no answer
        return None


def same(ours, theirs):
    # NaN is not equal to itself; its text is.
    return len(ours) == len(theirs) and all(a == b or repr(a) == repr(b) for a, b in zip(ours, theirs, strict=True))


def run(count, seed):
    tally = collections.Counter()
    survivors = collections.Counter()
    problems = []
    before = None
    for record_type in RECORD_TYPES:
        kind = record_type.kind
        good = [upload(kind, make_records(kind, 40, seed=900 + i)) for i in range(3)]
        alone = [decode([RawObject(g)], kind=kind, limits=LIMITS).frame.drop("file_index") for g in good]
        before = before or peak_mb(resource.RUSAGE_SELF)
        files = corpus(kind, count // len(RECORD_TYPES), seed)
        for start in range(0, len(files), BATCH):
            bad = files[start : start + BATCH]
            middle = len(bad) // 2
            batch = [good[0], *(f for _, f in bad[:middle]), good[1], *(f for _, f in bad[middle:]), good[2]]
            places = (0, middle + 1, len(batch) - 1)
            decoded = decode([RawObject(b) for b in batch], kind=kind, limits=LIMITS)
            parts = {
                key[0]: frame.drop("file_index")
                for key, frame in decoded.frame.partition_by("file_index", as_dict=True).items()
            }
            for place, frame in zip(places, alone, strict=True):
                if place not in parts or not parts[place].equals(frame):
                    problems.append(f"{kind}: good file {place} of batch {start} changed")
            for index, data in enumerate(batch):
                if index in places:
                    continue
                name = bad[index - 1 if index < places[1] else index - 2][0]
                if (index in decoded.rejected) == (index in decoded.rows):
                    problems.append(f"{kind}: {name} is neither rejected nor decoded")
                elif index in decoded.rejected:
                    tally[decoded.rejected[index].reason] += 1
                else:
                    survivors[name] += 1
                    rows = parts[index].drop("row_index").to_dicts()
                    if len(rows) != decoded.rows[index]:
                        problems.append(f"{kind}: {name} has another number of rows than it says")
                    theirs = second_opinion(data, kind)
                    survivors["without second opinion"] += theirs is None
                    if theirs is not None and not same(rows, theirs):
                        problems.append(f"{kind}: {name} decodes differently")
    return {
        "problems": problems,
        "rejected": tally,
        "decoded": survivors,
        "growth_mb": peak_mb(resource.RUSAGE_SELF) - before,
        "isolated_mb": peak_mb(resource.RUSAGE_CHILDREN),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(int(sys.argv[1]), int(sys.argv[2]))))
