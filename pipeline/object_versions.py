"""Which version of an object a listing shows: it is its content, not when or where it was written.

Belongs here: telling versions that are in the books from new ones, at the cost of reading as little as possible.
Does not belong here: what is entered of a new version (`registration`).

A listing costs no read as long as nothing changes: an object under the etag it had before is the version it was. In a
bucket an etag is made of the content, so a new key is a new version as well. Everything else is read once: a file of a
local folder, whose size and times say nothing when the folder was copied or restored, and an object of a bucket that
has another etag than before, because it was sent in other parts or by another store. What is found to be known stays
the upload that it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resources.catalog.rows.uploads import ListedVersion
from resources.lake.keys import is_usable
from resources.lake.lake import Lake, ListedObject, NoObject, ReadFailure
from resources.workspace import Workspace
from vitals.validated.pseudonyms import upload_id


@dataclass(frozen=True, kw_only=True)
class NewVersion:
    """A version that is not in the books.

    Attributes:
        content_sha256: digest of its bytes; None if it was not read.
    """

    upload_id: str
    found: ListedObject
    content_sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Versions:
    """What a listing shows.

    Attributes:
        new: versions that are not in the books.
        again: known ones that are listed under another etag than before, with the new one.
        unreadable: objects that had to be read and cannot be.
    """

    new: list[NewVersion]
    again: list[ListedVersion]
    unreadable: list[NoObject]


def tell_versions(workspace: Workspace, tenant: str, listed: Sequence[ListedObject]) -> Versions:
    """Tell known versions from new ones. Nothing is entered."""
    lake = workspace.lake(tenant)
    known = workspace.catalog.uploads.listed(tenant, (found.key for found in listed))
    # Uploads of one key apart, nearly everything ends here.
    changed = [f for f in listed if all(version.etag != f.etag for version in known.get(f.key, ()))]
    most = workspace.policy.limits.max_file_bytes
    to_read = [
        found.key
        for found in changed
        if (lake.is_local or found.key in known) and found.size_bytes <= most and is_usable(found.key)
    ]
    digests = lake.digests(to_read, concurrency=workspace.policy.fetch_concurrency)
    versions = Versions(new=[], again=[], unreadable=[])
    for found in changed:
        digest = digests.get(found.key)
        if isinstance(digest, ReadFailure):
            if digest.kind != "missing":
                why = (
                    digest.reason.removeprefix("it ")
                    if digest.kind == "no_object"
                    else f"cannot be read: {digest.reason}"
                )
                versions.unreadable.append(NoObject(found.key, why))
            continue
        one = upload_id(tenant=tenant, object_key=found.key, mark=_mark(lake, found, digest), key=workspace.subject_key)
        before = next((v for v in known.get(found.key, ()) if v.upload_id == one or _is_same(v, found, digest)), None)
        if before is None:
            versions.new.append(NewVersion(upload_id=one, found=found, content_sha256=digest))
        else:
            versions.again.append(replace(before, etag=found.etag, content_sha256=digest))
    return versions


def _mark(lake: Lake, found: ListedObject, digest: str | None) -> str:
    """What tells a version from others of its key."""
    if not lake.is_local:
        return found.etag
    # Whatever a file holds that is too large or has a name that cannot be used, it is refused all the same.
    return digest or f"{found.size_bytes} bytes"


def _is_same(version: ListedVersion, found: ListedObject, digest: str | None) -> bool:
    if version.content_sha256 is not None:
        return version.content_sha256 == digest
    return _is_former_etag(version.etag, found)


def _is_former_etag(etag: str, found: ListedObject) -> bool:
    """Whether an etag of a local file is one of inode, time in microseconds and size, and fits what is listed now."""
    former, now = etag.strip('"').split("-"), found.etag.strip('"').split("-")
    if len(former) != 3 or len(now) != 3:
        return False
    try:
        _, written_us, size = (int(part, 16) for part in former)
        return (size, written_us) == (found.size_bytes, int(now[1], 16) // 1000)
    except ValueError:
        return False
