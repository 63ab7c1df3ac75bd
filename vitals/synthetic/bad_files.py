"""Files that a reader must refuse as a whole, set aside, or recognise as seen: beside the good files.

Belongs here: spoiled copies of good files, files of other kinds, the same bytes again, each with the state and
reason that a reader must come to. The good file stays, as after an interrupted upload that is repeated, so no
record is lost by them.
Does not belong here: single bad rows among good ones (`bad_rows`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from vitals.record_types import BY_AVRO_NAME, BY_KIND
from vitals.synthetic.bad_rows import BadRow, in_mmol_per_litre
from vitals.synthetic.container_writer import MAGIC, SYNC_BYTES, block, bomb, container, header
from vitals.synthetic.faults import Fault
from vitals.synthetic.file_names import file_name
from vitals.synthetic.people import OURA, SAMSUNG
from vitals.synthetic.record_encoder import encode_rows
from vitals.synthetic.rows import NO_ITEMS, Items, Rows, make_rows
from vitals.synthetic.scene import Scene
from vitals.synthetic.settings import Upload
from vitals.synthetic.truth import UploadTruth
from vitals.synthetic.writer_schemas import nested_schema, unsupported_schema, writer_schema

BOMB_BYTES = 1 << 28
"""Twice what readers allow by default for all blocks of a file."""
MIN_ROWS_TO_SPOIL = 10

_TOPIC = 901
UNSUPPORTED = (("WeightRecord", "weightInKilograms", 71.5), ("HydrationRecord", "volumeInMilliliters", 250.0))


@dataclass(frozen=True, kw_only=True)
class Made:
    """An upload with its truth, and the rows it was encoded from."""

    upload: Upload
    truth: UploadTruth
    rows: Rows
    items: Items = NO_ITEMS


def bad_files(scene: Scene, good: Sequence[Made]) -> list[Made]:
    """Bad files of one person, made from the person's good ones."""
    if not good:
        return []
    rng = scene.person.rng(_TOPIC)
    made: list[Made] = []
    if scene.has(Fault.CORRUPT_FILES):
        made += _corrupt(scene, good, rng)
    if scene.has(Fault.WRONG_KIND_IN_KEY):
        made += [_under_another_kind(m) for m in _picked(good, rng, 2)]
    if scene.has(Fault.LOW_QUALITY):
        made += [_low_quality(m) for m in _picked([m for m in good if len(m.rows) >= MIN_ROWS_TO_SPOIL], rng, 1)]
    if scene.has(Fault.BAD_ROWS):
        glucose = [m for m in good if m.truth.kind == "blood_glucose" and len(m.rows) >= MIN_ROWS_TO_SPOIL]
        made += [_other_unit(m, rng) for m in _picked(glucose, rng, 1)]
    if scene.has(Fault.UNSUPPORTED_KINDS):
        made += [_unsupported(scene, m, i, rng) for i, m in enumerate(_picked(good, rng, 2))]
    if scene.has(Fault.DUPLICATE_UPLOADS):
        made += [_again(m) for m in _picked(good, rng, 2)]
    return made


def _picked(good: Sequence[Made], rng: np.random.Generator, n: int) -> list[Made]:
    if not good:
        return []
    return [good[int(i)] for i in rng.choice(len(good), size=min(n, len(good)), replace=False)]


def _copy(
    source: Made, data: bytes, *, state: str, reason: str | None, rows: int = 0, bad_rows: tuple[BadRow, ...] = ()
) -> Made:
    """An upload beside a good one, with other bytes and so another key."""
    upload = replace(
        source.upload,
        data=data,
        rows=rows,
        file_name=file_name(user=source.upload.user, fetch_ms=source.upload.fetch_ms, data=data, form=0),
    )
    truth = replace(
        source.truth,
        key=upload.key,
        rows=rows,
        state=state,
        file_reason=reason,
        bad_rows=bad_rows,
        dropped_items={},
        codec=None,
    )
    return replace(source, upload=upload, truth=truth)


def _corrupt(scene: Scene, good: Sequence[Made], rng: np.random.Generator) -> list[Made]:
    person = scene.person
    chosen = iter([m for _ in range(10) for m in _picked(good, rng, 1)])

    def refused(source: Made, data: bytes, reason: str) -> Made:
        return _copy(source, data, state="quarantined", reason=reason)

    def seed(source: Made, what: str) -> str:
        return f"{person.seed}/{person.index}/{what}/{source.upload.fetch_ms}"

    def schema(source: Made) -> str:
        return writer_schema(str(source.truth.kind))

    def framed(source: Made, count: int, data: bytes) -> bytes:
        sync = b"0123456789abcdef"
        return header(schema(source), "null", sync) + block(count, data, sync)

    made = []
    source = next(chosen)
    made.append(refused(source, source.upload.data[: -SYNC_BYTES - int(rng.integers(1, 20))], "truncated"))
    source = next(chosen)
    made.append(refused(source, source.upload.data[: int(rng.integers(len(MAGIC) + 1, 400))], "truncated"))
    source = next(chosen)
    made.append(refused(source, source.upload.data[3::-1] + source.upload.data[4:], "not_avro"))
    source = next(chosen)
    flipped = bytes(b ^ 0xFF for b in source.upload.data[-SYNC_BYTES:])
    made.append(refused(source, source.upload.data[:-SYNC_BYTES] + flipped, "unreadable_avro"))
    source = next(chosen)
    made.append(refused(source, framed(source, 40, rng.bytes(4000)), "unreadable_avro"))
    source = next(chosen)
    made.append(refused(source, container(schema(source), [], codec="null", sync_seed=seed(source, "none")), "empty"))
    source = next(chosen)
    nested = container(nested_schema(str(source.truth.kind)), [_NESTED] * 20, codec="null", sync_seed=seed(source, "x"))
    made.append(refused(source, nested, "schema_mismatch"))
    source = next(chosen)
    unnamed = refused(source, source.upload.data, "bad_key")
    upload = replace(unnamed.upload, file_name=f"export-{person.index}.avro", rows=source.upload.rows)
    made.append(replace(unnamed, upload=upload, truth=replace(unnamed.truth, key=upload.key, rows=upload.rows)))
    if person.index % 3 == 0:
        source = next(chosen)
        data = bomb(schema(source), expanded_bytes=BOMB_BYTES, sync_seed=seed(source, "bomb"))
        made.append(refused(source, data, "decompression_limit"))
        source = next(chosen)
        made.append(refused(source, b"", "empty"))
    return made


_NESTED = b"\x08some" + b"\x80\xb2\xf2\xd7\xac\x66" + bytes(8)
"""A record of `nested_schema`: an id of four letters, a time, a level."""


def _under_another_kind(source: Made) -> Made:
    kinds = list(BY_KIND.values())
    other = kinds[(kinds.index(BY_AVRO_NAME[source.upload.type_name]) + 1) % len(kinds)]
    made = _copy(
        source, source.upload.data, state="quarantined", reason="record_type_mismatch", rows=source.upload.rows
    )
    upload = replace(made.upload, type_name=other.avro_name)
    truth = replace(made.truth, key=upload.key, type_name=upload.type_name, kind=other.kind)
    return replace(made, upload=upload, truth=truth)


def _encoded(source: Made, rows: Rows, what: str) -> bytes:
    kind = str(source.truth.kind)
    payloads = encode_rows(kind, rows, source.items).payloads(np.arange(len(rows)), source.upload.fetch_ms)
    return container(writer_schema(kind), payloads, codec="null", sync_seed=f"{source.upload.key}/{what}")


def _good_rows(source: Made) -> Rows:
    """Rows of a file without the bad ones planted in it."""
    bad = [b.row_index for b in source.truth.bad_rows]
    return source.rows.take(np.delete(np.arange(len(source.rows)), bad))


def _low_quality(source: Made) -> Made:
    rows = _good_rows(source)
    nameless = np.arange(len(rows)) % 4 > 0
    rows = replace(rows, record_id=np.where(nameless, b"", rows.record_id))
    data = _encoded(source, rows, "nameless")
    return _copy(source, data, state="quarantined", reason="low_quality", rows=len(rows))


def _other_unit(source: Made, rng: np.random.Generator) -> Made:
    rows = in_mmol_per_litre(_good_rows(source), rng)
    bad = tuple(BadRow(row_index=i, reason="unit_suspect:level_mg_dl") for i in range(len(rows)))
    data = _encoded(source, rows, "mmol")
    return _copy(source, data, state="processed", reason=None, rows=len(rows), bad_rows=bad)


def _unsupported(scene: Scene, source: Made, turn: int, rng: np.random.Generator) -> Made:
    name, field, value = UNSUPPORTED[turn % len(UNSUPPORTED)]
    at = np.array([source.upload.fetch_ms - 3_600_000])
    app = SAMSUNG if scene.person.role.samsung else OURA
    rows = make_rows(rng, scene.person.timeline, app, start_ms=at, modified_ms=at + 60_000, value=np.array([value]))
    payloads = encode_rows("hrv_rmssd", rows, NO_ITEMS).payloads(np.arange(1), source.upload.fetch_ms)
    data = container(unsupported_schema(name, field), payloads, codec="null", sync_seed=f"{source.upload.key}/{name}")
    made = _copy(source, data, state="unsupported", reason="unsupported_record_type", rows=1)
    upload = replace(made.upload, type_name=name)
    return replace(made, upload=upload, truth=replace(made.truth, key=upload.key, type_name=name, kind=None))


def _again(source: Made) -> Made:
    upload = replace(
        source.upload,
        landing_day=source.upload.landing_day + timedelta(days=1),
        file_name=f"{source.upload.user}_{source.upload.fetch_ms}_again.avro",
    )
    truth = replace(
        source.truth,
        key=upload.key,
        landing_day=upload.landing_day,
        state="duplicate",
        same_bytes_as=source.upload.key,
        bad_rows=(),
    )
    return replace(source, upload=upload, truth=truth)
