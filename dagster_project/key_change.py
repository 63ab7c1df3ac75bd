"""Another subject key for an installation, or digests made anew with the one it has.

Belongs here: the order of the steps, and what makes a crash at any point harmless.
Does not belong here: what is rewritten (`operations.rekeying`, `resources.catalog.rekeying`).

    noted       the catalog says which key is to come; from then on nothing else works on the installation
    lake        tables, quarantine and refusals get the new ids; training lines and traces of releases go
    catalog     one transaction: ids, books, days to render again, the key that counts
    marks       every lake says whose key it is; former refusals and guards go
    file        the new key takes the place of the former one

Until the catalog's step, everything can be done again: former ids are told from new ones by the catalog. Afterwards only
marks and file are left. Where the key is given by a setting, its operator changes the setting.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from dagster_project.former_keys import decrypted, encrypted
from dagster_project.identity import MANUAL, key_missing, other_key
from dagster_project.key_files import NEXT_SUBJECT_KEY as NEXT
from dagster_project.key_files import ensure
from dagster_project.settings import LEAST_KEY_BYTES, Settings
from operations.erasure.erasure import write_guard
from operations.rekeying import new_ids, rename_lake
from pipeline.erasure_locks import nothing_computed, refusing
from pipeline.registration import GUARDS
from pipeline.row_accounting import every_upload
from resources.catalog.catalog import Catalog
from resources.catalog.rekeying import rekey
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.installation import Installation
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.rows.uploads import FateShift
from resources.lake.belonging import own_marker
from resources.lake.lake import S3Access
from resources.lake.marker import write_marker
from resources.lake.refusals import deciding, drop_refusals, keep_refusals
from resources.workspace import Workspace
from vitals.errors import ConflictError, PermanentError, UsageError
from vitals.validated.pseudonyms import kept_tombstone, key_check

OnStep = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class KeyChange:
    """What a change of the key came to.

    Attributes:
        people, uploads: whose ids are others now.
        erased_forgotten: erased people who cannot be recognised any more, because the former key is lost.
        versions: published versions of data sets that still hold former pseudonyms or digests: tenant, name, version.
        key_file: file whose contents the operator has to put into the setting that gives the key; None if nothing is
            left to do.
    """

    people: int = 0
    uploads: int = 0
    erased_forgotten: int = 0
    versions: list[tuple[str, str, str]] = field(default_factory=list)
    key_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class _Keys:
    """The keys of a change.

    Attributes:
        former: None if it is lost.
        new: the same as the former one where only digests are made anew.
        file: of the new key; None if it is the former one.
    """

    former: bytes | None
    new: bytes
    file: Path | None

    @property
    def is_same(self) -> bool:
        return self.former == self.new

    def former_keys(self, installation: Installation) -> Sequence[str]:
        """The keys of before as they are kept from now on."""
        if self.is_same:
            return installation.former_keys
        if self.former is None:
            return ()
        return encrypted([self.former, *decrypted(installation.former_keys, key=self.former)], key=self.new)


def rotate(
    settings: Settings,
    catalog: Catalog,
    *,
    s3: S3Access,
    new_key_file: Path | None = None,
    former_key_lost: bool = False,
    on_step: OnStep = lambda _: None,
) -> KeyChange:
    """Give everybody and everything new ids under a new subject key, or go on with a change that was interrupted.

    Args:
        settings, catalog, s3: of the installation.
        new_key_file: file with the new key; default one that is made under the home.
        former_key_lost: go on without the former key: who was erased under it can then not be recognised.
        on_step: called with what is being done.

    Raises:
        ConflictError: the former key is not here or not the installation's.
        UsageError: the key is given by a setting, and no file with a new one is named.
    """
    installation = _installation(catalog)
    former = settings.read_subject_key()
    new, file = _new_key(settings, installation, new_key_file)
    if key_check(new) == installation.subject_key_check and installation.next_key_check is None:
        if former == new:
            raise UsageError("change the subject key", str(file), "it is the key that counts now", "Name another.")
        # Killed after the catalog's step.
        keys = _Keys(former=None, new=new, file=file)
        return _finish(settings, catalog, installation, keys, s3=s3, on_step=on_step)
    if former is None and not former_key_lost:
        raise key_missing(settings)
    if former is not None and key_check(former) != installation.subject_key_check:
        if not former_key_lost:
            raise other_key(settings, catalog)
        former = None
    keys = _Keys(former=former, new=new, file=file)
    return _change(settings, catalog, installation, keys, s3=s3, on_step=on_step)


def rehash(settings: Settings, catalog: Catalog, *, s3: S3Access, on_step: OnStep = lambda _: None) -> KeyChange:
    """Make digests and ids of uploads anew with the key that counts: an earlier version made them without a key.

    Raises:
        ConflictError: the subject key is not here or not the installation's.
    """
    installation = _installation(catalog)
    key = settings.read_subject_key()
    if key is None:
        raise key_missing(settings)
    if key_check(key) != installation.subject_key_check:
        raise other_key(settings, catalog)
    keys = _Keys(former=key, new=key, file=None)
    return _change(settings, catalog, installation, keys, s3=s3, on_step=on_step)


def _installation(catalog: Catalog) -> Installation:
    found = catalog.installation.get()
    if found is None:
        raise ConflictError(
            "change the subject key",
            catalog.database.where,
            "the catalog belongs to no installation yet",
            f"Run `vitalgraph init`; see {MANUAL}.",
        )
    return found


def _new_key(settings: Settings, installation: Installation, given: Path | None) -> tuple[bytes, Path]:
    """The key to come and its file."""
    if given is None and (settings.subject_key is not None or settings.subject_key_file is not None):
        raise UsageError(
            "change the subject key",
            "VITALGRAPH_SUBJECT_KEY" if settings.subject_key is not None else "VITALGRAPH_SUBJECT_KEY_FILE",
            "the key is given by a setting, which cannot be changed from here",
            "Write a new key into a file (`openssl rand -hex 32 > FILE`), name it with --new-key-file, and change the "
            "setting when it is done.",
        )
    file = given or settings.home_path / NEXT
    if given is None:
        ensure(file, lambda: secrets.token_hex(32))
    try:
        key = file.read_text().strip().encode()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise PermanentError("read the new key", str(file), why, "Correct the file.") from None
    if len(key) < LEAST_KEY_BYTES:
        raise UsageError("read the new key", str(file), "it is too short to protect anybody", "Choose a random one.")
    if installation.next_key_check not in (None, key_check(key)):
        raise ConflictError(
            "change the subject key",
            str(file),
            "a change to another key was begun and not finished",
            "Finish it first: name the file of then.",
        )
    return key, file


def _change(
    settings: Settings,
    catalog: Catalog,
    installation: Installation,
    keys: _Keys,
    *,
    s3: S3Access,
    on_step: OnStep,
) -> KeyChange:
    # The installation that the catalog speaks of has the former key, so nothing is compared with it.
    workspace = Workspace(catalog=catalog, lake_url=settings.lake_url, subject_key=keys.new, s3=s3)
    tenants = [row.name for row in catalog.tenants.list()]
    with ExitStack() as held:
        for tenant in tenants:
            for lane in (f"validated-{tenant}", f"release-{tenant}"):
                held.enter_context(catalog.exclusive(lane, wait=True))
            held.enter_context(nothing_computed(workspace, tenant))
            held.enter_context(refusing(workspace, tenant))
            held.enter_context(deciding(catalog, tenant))
        catalog.installation.change(replace(installation, next_key_check=key_check(keys.new)))
        changed = replace(
            installation,
            subject_key_check=key_check(keys.new),
            next_key_check=None,
            former_keys=keys.former_keys(installation),
        )
        counted = _rename(workspace, tenants, keys, changed, on_step=on_step)
    found = _finish(settings, catalog, changed, keys, s3=s3, on_step=on_step)
    return replace(counted, versions=found.versions, key_file=found.key_file)


def _rename(
    workspace: Workspace, tenants: Sequence[str], keys: _Keys, installation: Installation, *, on_step: OnStep
) -> KeyChange:
    """Bring the new ids into lakes and catalog; how many there are."""
    catalog = workspace.catalog
    ids: dict[str, str] = {}
    shifts: dict[str, FateShift] = {}
    deletions: list[tuple[str, str, str, str]] = []
    marks: list[StaleMark] = []
    people = uploads = forgotten = 0
    for tenant in tenants:
        of_tenant = new_ids(workspace, tenant)
        entered = every_upload(workspace, tenant=tenant)
        changes = rename_lake(workspace, tenant, of_tenant, former_ids=entered, on_step=on_step)
        shifts |= changes.shifts
        deletions += changes.deletions
        marks += changes.marks
        uploads += len(entered)
        if not keys.is_same:
            on_step(f"{tenant}: refusals")
            people += len(catalog.subjects.subject_ids(tenant))
            former = _former_marks(workspace, tenant)
            if keys.former is None:
                forgotten += len(former)
            else:
                of_tenant |= _keep_guards(workspace, tenant, former)
            _keep_refusals(workspace, tenant, of_tenant)
        ids |= of_tenant
    on_step("catalog")
    rekey(
        catalog.database,
        ids,
        shifts=shifts,
        deletions=deletions,
        marks=marks,
        installation=installation,
        now=datetime.now(UTC),
    )
    return KeyChange(people=people, uploads=uploads, erased_forgotten=forgotten)


def _former_marks(workspace: Workspace, tenant: str) -> frozenset[str]:
    """Tombstones under the former key, without those that an interrupted change has kept under the new one already."""
    there = _guards(workspace, tenant)
    new = {kept_tombstone(mark, key=workspace.subject_key) for mark in there}
    return workspace.catalog.erasures.tombstones(tenant) | (there - new)


def _guards(workspace: Workspace, tenant: str) -> frozenset[str]:
    found = workspace.unchecked_lake(tenant).objects(GUARDS)
    return frozenset(one.key.removeprefix(GUARDS).removesuffix(".json") for one in found)


def _keep_guards(workspace: Workspace, tenant: str, former: frozenset[str]) -> dict[str, str]:
    """Keep who was erased under the new key, beside the former guards; former to new tombstones."""
    lake = workspace.unchecked_lake(tenant)
    marks = {mark: kept_tombstone(mark, key=workspace.subject_key) for mark in sorted(former)}
    for new in marks.values():
        write_guard(lake, tenant, new)
    return marks


def _keep_refusals(workspace: Workspace, tenant: str, ids: Mapping[str, str]) -> None:
    """Keep refusals of consent under the new key, beside the former ones."""
    refused = workspace.catalog.consents.refusals(tenant)
    new = [(None if subject is None else ids.get(subject, subject), purpose) for subject, purpose in refused]
    keep_refusals(workspace.unchecked_lake(tenant), tenant=tenant, refused=new, key=workspace.subject_key)


def _finish(
    settings: Settings, catalog: Catalog, installation: Installation, keys: _Keys, *, s3: S3Access, on_step: OnStep
) -> KeyChange:
    """What is left once the catalog has the new key; it may be done again."""
    workspace = Workspace(catalog=catalog, lake_url=settings.lake_url, subject_key=keys.new, s3=s3)
    versions: list[tuple[str, str, str]] = []
    for row in catalog.tenants.list():
        on_step(f"{row.name}: marks")
        lake = workspace.unchecked_lake(row.name)
        write_marker(lake, own_marker(installation, row.name))
        guards = _guards(workspace, row.name)
        former = [mark for mark in sorted(guards) if kept_tombstone(mark, key=keys.new) in guards]
        lake.delete_objects([f"{GUARDS}{mark}.json" for mark in former])
        drop_refusals(catalog, lake, tenant=row.name, key=keys.new)
        versions += [
            (row.name, one.name, one.version)
            for one in catalog.datasets.list(row.name)
            if one.state == "published" and one.spec.get("profile") == "none"
        ]
        action = "key.rehashed" if keys.is_same else "key.rotated"
        event = NewAuditEvent(
            tenant=row.name, at=datetime.now(UTC), actor="command line", action=action, target="subject key", details={}
        )
        catalog.audit.record([event])
    on_step("compacting")
    # What was written over is in free pages and in the log of the database until then.
    catalog.compact()
    given_by_setting = settings.subject_key is not None or settings.subject_key_file is not None
    if keys.file is not None and not given_by_setting:
        _put_in_place(settings, keys)
    return KeyChange(versions=versions, key_file=keys.file if given_by_setting else None)


def _put_in_place(settings: Settings, keys: _Keys) -> None:
    complete = settings.home_path / NEXT
    ensure(complete, keys.new.decode)
    complete.replace(settings.subject_key_path)
