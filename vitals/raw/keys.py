"""Object keys of uploads: taken apart, and put together for the `land` command.

Belongs here: the grammar of ``raw/{Type}/{YYYY}/{MM}/{DD}/{file}.avro`` in the three forms met in the wild
(docs/spec/data_facts.md "Files").
Does not belong here: listing or reading objects, or what a file holds.

    {user}_{epoch}_{hash}.avro                            form 1, the one we write
    {user}_{YYYYmmdd}_{HHMMSS}_{device}_{hash}.avro       form 2
    {user}_{YYYYmmdd}_{HHMMSS}_{ffffff}.avro              form 3

A user id may itself contain ``_``, so names are taken apart from the right. A ``BadKey`` never repeats the
key: it may hold a person's id.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

from vitals.errors import UsageError
from vitals.external_ids import external_id
from vitals.record_types import BY_AVRO_NAME

MAX_KEY_BYTES = 1024
"""Longest key that S3 takes."""

MAX_NAME_BYTES = 250
"""Longest file name that we write: file systems take 255 bytes, and a name is longer while its file is being written."""

_PATH = re.compile(
    r"(?P<type>[A-Za-z][A-Za-z0-9]*)/(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/(?P<name>[^/]+)\.avro", re.ASCII
)
_STAMP = r"_(?P<day>[0-9]{8})_(?P<time>[0-9]{6})"
_HASH = r"_(?P<hash>[0-9A-Za-z-]+)"
# Form 1 comes first: it is what we write, so a user id that ends like form 2 must still survive a round trip.
_FORM_1 = re.compile(r"(?P<user>.+)_(?P<epoch>[0-9]{13}|[0-9]{10})" + _HASH)
_FORM_3 = re.compile(r"(?P<user>.+)" + _STAMP + r"_(?P<micros>[0-9]{6})")
_FORM_2 = re.compile(r"(?P<user>.+)" + _STAMP + r"_(?P<device>.+)" + _HASH)
_TYPE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*")


@dataclass(frozen=True, kw_only=True)
class ParsedKey:
    """What an object key says about an upload.

    Attributes:
        key: the key itself.
        type_name: type as written, with or without the ``Avro`` prefix.
        kind: our kind, or None for one that is kept but not processed.
        landing_day: day of arrival.
        user: external user id, in its one form (`vitals.external_ids`); the key keeps its bytes. It goes nowhere but the ``subject`` table.
        fetched_ms: time of the export session, epoch ms. A written-out time is taken as UTC.
        device: device token (form 2), or None.
        content_hash: last token of forms 1 and 2, or None.
    """

    key: str
    type_name: str
    kind: str | None
    landing_day: date
    user: str
    fetched_ms: int
    device: str | None
    content_hash: str | None


@dataclass(frozen=True)
class BadKey:
    """A key that is none of the forms, with the reason in words, never the key."""

    reason: str


def parse_key(key: str, *, prefix: str = "raw/") -> ParsedKey | BadKey:
    """Take an object key apart.

    Args:
        key: full object key below the tenant's root.
        prefix: what every upload key starts with.

    Returns:
        The parts, or a BadKey. Never raises on any string.
    """
    fault = _fault(key, prefix)
    if fault:
        return BadKey(fault)
    path = _PATH.fullmatch(key, len(prefix))
    if path is None:
        return BadKey("is not {Type}/{YYYY}/{MM}/{DD}/{name}.avro")
    try:
        landing_day = date.fromisoformat(path["day"].replace("/", "-"))
    except ValueError:
        return BadKey("has a landing day that does not exist")
    file = _parse_name(path["name"])
    if file is None or not any(letter.isalnum() for letter in file[1]["user"]):
        return BadKey("has a file name of none of the known forms")
    fetched_ms, groups = file
    known = BY_AVRO_NAME.get(path["type"])
    return ParsedKey(
        key=key,
        type_name=path["type"],
        kind=known.kind if known else None,
        landing_day=landing_day,
        user=external_id(groups["user"]),
        fetched_ms=fetched_ms,
        device=groups.get("device"),
        content_hash=groups.get("hash"),
    )


def build_key(
    *, type_name: str, landing_day: date, user: str, fetched_ms: int, content_hash: str, prefix: str = "raw/"
) -> str:
    """Key under which `land` stores a file (form 1).

    Args:
        type_name: record type, with or without the ``Avro`` prefix.
        landing_day: day of arrival.
        user: external user id; may contain ``_``.
        fetched_ms: time of the export session, epoch ms, of 13 digits (2001-09-09 to 2286-11-20).
        content_hash: letters, digits and ``-``; keeps two files of one session apart.
        prefix: what every upload key starts with.

    Raises:
        UsageError: the parts would not come back from the key as they went in.
    """
    user = external_id(user)
    key = f"{prefix}{type_name}/{landing_day.isoformat().replace('-', '/')}/{user}_{fetched_ms}_{content_hash}.avro"
    if len(key.rpartition("/")[2].encode(errors="surrogatepass")) > MAX_NAME_BYTES:
        raise UsageError(
            "build the upload key",
            f"type {type_name}" if _TYPE_NAME.fullmatch(type_name) else "type",
            f"the file name would have more than {MAX_NAME_BYTES} bytes, which no file system takes",
            "Use a shorter user id; letters beyond ASCII count two to four bytes each.",
        )
    parsed = parse_key(key, prefix=prefix)
    if not (
        isinstance(parsed, ParsedKey)
        and (parsed.type_name, parsed.landing_day, parsed.user) == (type_name, landing_day, user)
        and (parsed.fetched_ms, parsed.content_hash) == (fetched_ms, content_hash)
    ):
        why = parsed.reason if isinstance(parsed, BadKey) else "reads back as something else"
        raise UsageError(
            "build the upload key",
            f"type {type_name}" if _TYPE_NAME.fullmatch(type_name) else "type",
            f"the key {why}",
            "Use a user id of printable characters without / \\ %, a fetch time in epoch ms and a plain hash.",
        )
    return key


def _fault(key: str, prefix: str) -> str | None:
    """Why a key is bad before its parts are looked at, or None."""
    faults = (
        (not key.startswith(prefix), "is not below the upload prefix"),
        (not key.isprintable(), "has control or invisible characters"),
        (len(key.encode(errors="surrogatepass")) > MAX_KEY_BYTES, f"is longer than {MAX_KEY_BYTES} bytes"),
        ("%" in key, "is percent-encoded"),
        ("\\" in key, "has a backslash"),
        (not {"", ".", ".."}.isdisjoint(key.split("/")), "has an empty or relative component"),
    )
    return next((reason for found, reason in faults if found), None)


def _parse_name(name: str) -> tuple[int, dict[str, str]] | None:
    """Fetch time in epoch ms and the named parts of a file name without its suffix, or None."""
    match = _FORM_1.fullmatch(name)
    if match is not None:
        epoch = match["epoch"]
        return int(epoch) * (1000 if len(epoch) == 10 else 1), match.groupdict()
    for form in (_FORM_3, _FORM_2):
        match = form.fullmatch(name)
        if match is None:
            continue
        parts = match.groupdict()
        try:
            moment = datetime.strptime(parts["day"] + parts["time"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError:
            continue
        return int(moment.timestamp()) * 1000 + int(parts.get("micros", "0")) // 1000, parts
    return None
