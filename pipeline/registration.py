"""Raw: list what landed and enter it in the books. No record is read here.

Belongs here: listing objects, reading their keys, and one catalog row per object version; refusing people who were
erased.
Does not belong here: fetching or judging content (`validation`), erasing anybody (`erasure`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from pipeline.erasure_locks import refusals_known
from pipeline.object_versions import NewVersion, tell_versions
from resources.catalog.rows.uploads import NewUpload, UploadState
from resources.lake.keys import is_usable
from resources.lake.lake import ListedObject, NoObject
from resources.lake.refusals import reconcile
from resources.workspace import Workspace
from vitals.raw.keys import BadKey, ParsedKey, parse_key
from vitals.raw.owners import possible_users
from vitals.record_types import RecordType
from vitals.validated.pseudonyms import keyed_digest, object_digest

GUARDS = "erasures/"
"""Folder of the lake with one object per erased person, named by tombstone: a restored catalog still refuses them."""

PREMATURE = "has a landing day that has not come: this machine's clock is late, or the uploader's is early"


@dataclass(frozen=True)
class Registered:
    """What a listing came to.

    Attributes:
        objects: objects listed.
        new: object versions that were not in the books before.
        bytes: their size.
        bad_keys: among the new ones, keys that name no day, person and kind.
        unsupported: among the new ones, kinds that are kept but not processed.
        erased: uploads of people who were erased; refused, and removed.
        left_out: what is not in the books, because it is no object, cannot be read, or has a day that has not come; the
            next listing looks again.
    """

    objects: int
    new: int
    bytes: int
    bad_keys: int
    unsupported: int
    erased: int
    left_out: tuple[NoObject, ...]


def type_folders(record_type: RecordType, landing_day: date) -> list[str]:
    """Prefixes under which uploads of a kind land on a day; uploaders use either name of the kind."""
    return [f"raw/{name}/{landing_day:%Y/%m/%d}/" for name in (record_type.avro_name, record_type.prefixed_avro_name)]


def register_day(
    workspace: Workspace, *, tenant: str, record_type: RecordType, landing_day: date, today: date
) -> Registered:
    """Enter one kind's uploads of one landing day in the books. Doing it again changes nothing."""
    lake = workspace.lake(tenant)
    none: list[NoObject] = []
    listed = [
        found
        for prefix in type_folders(record_type, landing_day)
        for found in lake.objects(prefix, on_no_object=none.append)
    ]
    return register(workspace, tenant=tenant, listed=listed, no_objects=none, today=today)


def register(
    workspace: Workspace,
    *,
    tenant: str,
    listed: Iterable[ListedObject],
    no_objects: Iterable[NoObject] = (),
    today: date,
) -> Registered:
    """Enter listed objects in the books.

    A key that cannot be read is quarantined, and a kind we do not process is kept as `unsupported`: every
    object has its row. An upload of somebody who was erased is refused: its row names nobody, and the object goes.
    What cannot be judged now is not judged: it is noted as left out, and looked at again.

    Args:
        workspace: the installation.
        tenant: whose.
        listed: what is there.
        no_objects: what is there as well and is none.
        today: by this machine's clock.
    """
    objects = list(listed)
    with refusals_known(workspace, tenant):
        found = _enter(workspace, tenant, objects, today)
        left_out = (*_not_of_erased(workspace, tenant, list(no_objects)), *found.left_out)
    reasons = {one.key: one.why for one in left_out}
    noted = {row.key for row in workspace.catalog.left_out.list(tenant)}
    there_now = [one.key for one in objects if one.key in noted]
    workspace.catalog.left_out.note(tenant, reasons, entered=there_now, now=utc_now())
    return replace(found, left_out=left_out)


def _not_of_erased(workspace: Workspace, tenant: str, found: Sequence[NoObject]) -> list[NoObject]:
    """What is no object, without entries that bear the name of somebody who was erased: those go, as uploads do."""
    erased = erased_people(workspace, tenant) if found else frozenset()
    theirs = {
        one.key
        for one in found
        if erased and not one.is_folder and is_usable(one.key) and _is_erased(workspace, tenant, one.key, erased)
    }
    workspace.lake(tenant).delete_objects(sorted(theirs))
    return [one for one in found if one.key not in theirs]


def _enter(workspace: Workspace, tenant: str, objects: Sequence[ListedObject], today: date) -> Registered:
    erased = erased_people(workspace, tenant)
    theirs = [found for found in objects if erased and _is_erased(workspace, tenant, found.key, erased)]
    refused = frozenset(found.key for found in theirs)
    premature = [found for found in objects if found.key not in refused and _is_premature(found.key, today)]
    early = frozenset(found.key for found in premature)
    versions = tell_versions(workspace, tenant, [f for f in objects if f.key not in refused and f.key not in early])
    rows = [_refused(workspace, tenant, found) for found in theirs]
    if versions.new:
        before = workspace.catalog.tenants.get(tenant).attempts_before
        rows += [new_upload(workspace, tenant=tenant, version=version, attempts=before) for version in versions.new]
    users = {row.external_user: row.subject_id for row in rows if row.external_user and row.subject_id}
    workspace.catalog.subjects.ensure(tenant, users, now=utc_now())
    if users:
        # Somebody who is new to this catalog may have refused something under one that was lost.
        reconcile(workspace.catalog, workspace.lake(tenant), tenant=tenant, key=workspace.subject_key)
    fresh = set(workspace.catalog.uploads.register([row.upload for row in rows]))
    workspace.catalog.uploads.relisted(versions.again)
    # After the row: a crash between the two leaves an object that is refused again.
    workspace.lake(tenant).delete_objects(sorted(refused))
    new = [row.upload for row in rows if row.upload.upload_id in fresh]
    return Registered(
        objects=len(objects),
        new=len(new),
        bytes=sum(u.size_bytes for u in new),
        bad_keys=sum(u.reason == "bad_key" for u in new),
        unsupported=sum(u.state == "unsupported" for u in new),
        erased=len(theirs),
        left_out=(*versions.unreadable, *(NoObject(found.key, PREMATURE) for found in premature)),
    )


def _is_premature(key: str, today: date) -> bool:
    """Whether a key names a landing day after tomorrow. This machine's clock may be late, so that is no fault of the key."""
    parsed = parse_key(key)
    return isinstance(parsed, ParsedKey) and parsed.landing_day > today + timedelta(days=1)


def erased_people(workspace: Workspace, tenant: str) -> frozenset[str]:
    """Tombstones of everybody who was erased, by the catalog or by the lake: either may be an older backup."""
    names = (found.key.removeprefix(GUARDS) for found in workspace.lake(tenant).objects(GUARDS))
    return workspace.catalog.erasures.tombstones(tenant) | frozenset(name.removesuffix(".json") for name in names)


def names_erased(workspace: Workspace, tenant: str, key: str) -> bool:
    """Whether a key is of somebody who was erased, or is being erased."""
    return _is_erased(workspace, tenant, key, erased_people(workspace, tenant))


def _is_erased(workspace: Workspace, tenant: str, key: str, erased: frozenset[str]) -> bool:
    candidates = possible_users(key)
    known = workspace.catalog.subjects.subject_ids(tenant, candidates) if len(candidates) > 1 else {}
    for user in candidates:
        if not erased.isdisjoint(workspace.tombstones(tenant, user)):
            return True
        if user in known:
            # A name that begins with a longer id of somebody who is here is that one's.
            return False
    return False


def _refused(workspace: Workspace, tenant: str, found: ListedObject) -> "KeyedUpload":
    """The books' row of an upload of somebody who was erased; nothing in it can be traced without the key."""
    day = found.modified_utc.astimezone(UTC).date()
    secret = workspace.subject_key
    name = keyed_digest(tenant, found.key, key=secret)
    folder = f"raw/erased/{day:%Y/%m/%d}"
    upload = NewUpload(
        upload_id=keyed_digest(tenant, found.key, found.etag, key=secret),
        tenant=tenant,
        key=f"{folder}/{name[:32]}.avro",
        key_sha256=name,
        etag=found.etag,
        size_bytes=found.size_bytes,
        type_name="unknown",
        kind=None,
        subject_id=None,
        landing_day=day,
        landed_at=found.modified_utc,
        state="quarantined",
        reason="erased_subject",
    )
    return KeyedUpload(upload, external_user=None, subject_id=None)


@dataclass(frozen=True)
class KeyedUpload:
    """A catalog row with the external id, which goes to the subject table and nowhere else."""

    upload: NewUpload
    external_user: str | None
    subject_id: str | None


def new_upload(workspace: Workspace, *, tenant: str, version: NewVersion, attempts: int) -> KeyedUpload:
    """The books' row of a new version of an object."""
    found = version.found
    parsed = parse_key(found.key)
    subject = None
    state: UploadState = "landed"
    reason, detail, kind, type_name = None, None, None, None
    landing_day = found.modified_utc.astimezone(UTC).date()
    user = None
    if isinstance(parsed, ParsedKey) and parsed.landing_day < workspace.policy.first_day:
        # A day before the partitions would never be asked for; the books say so instead.
        parsed = BadKey("has a landing day that is no partition")
    if isinstance(parsed, BadKey):
        state, reason, detail = "quarantined", "bad_key", f"the key {parsed.reason}"
        type_name = _type_folder(found.key)
    else:
        user, landing_day, type_name, kind = parsed.user, parsed.landing_day, parsed.type_name, parsed.kind
        subject = workspace.subject_id(tenant, user)
        if kind is None:
            state, reason = "unsupported", "unsupported_record_type"
    return KeyedUpload(
        NewUpload(
            upload_id=version.upload_id,
            tenant=tenant,
            key=found.key,
            key_sha256=object_digest(tenant=tenant, object_key=found.key, key=workspace.subject_key),
            etag=found.etag,
            content_sha256=version.content_sha256,
            attempts=attempts,
            size_bytes=found.size_bytes,
            type_name=type_name or "unknown",
            kind=kind,
            subject_id=subject,
            landing_day=landing_day,
            landed_at=found.modified_utc,
            state=state,
            reason=reason,
            detail=detail,
        ),
        external_user=user,
        subject_id=subject,
    )


def _type_folder(key: str) -> str | None:
    parts = key.split("/")
    return parts[1][:64] if len(parts) > 2 else None


def utc_now() -> datetime:
    """The present, for the columns that say when something happened; nothing is computed from it."""
    return datetime.now(UTC)
