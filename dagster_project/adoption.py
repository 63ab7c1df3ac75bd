"""Taking over by hand what does not fit by itself: after a catalog, a lake or the erasure key was lost.

Belongs here: what `vitalgraph init --adopt` does; each step says what it did.
Does not belong here: noticing that something does not fit (`identity`, `resources.lake.belonging`), another subject key
(`key_change`): the pseudonyms in a lake can only be matched with the key that made them.
"""

import secrets
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from dagster_project.identity import MANUAL, identify, key_missing, other_key
from dagster_project.settings import Settings
from dagster_project.signing import make_erasure_key
from pipeline.validated.records_table import deliveries_table
from resources.catalog.catalog import Catalog
from resources.catalog.rows.installation import Installation
from resources.lake.belonging import own_marker
from resources.lake.lake import Lake, S3Access
from resources.lake.marker import OF_TENANTS, folders_made_from_people, read_marker, write_marker
from resources.workspace import default_root
from vitals.errors import ConflictError, UsageError
from vitals.record_types import RECORD_TYPES
from vitals.validated.pseudonyms import key_check


def adopt(settings: Settings, catalog: Catalog, *, s3: S3Access) -> list[str]:
    """Take over what there is; what was done, in sentences.

    Raises:
        ConflictError: the subject key is not there, or not the one that the lake's pseudonyms were made with.
    """
    done: list[str] = []
    installation = catalog.installation.get()
    default = Lake(settings.lake_url, s3=s3)
    if installation is None:
        installation = _begin(settings, catalog, default, s3=s3, done=done)
    subject_key = settings.read_subject_key()
    if subject_key is None:
        raise key_missing(settings)
    if key_check(subject_key) != installation.subject_key_check:
        raise other_key(settings, catalog)
    check = key_check(make_erasure_key(settings))
    if check != installation.erasure_key_check:
        installation = replace(installation, erasure_key_check=check)
        catalog.installation.change(installation)
        done.append("Certificates of erasure are signed with the erasure key of this home from now on.")
    done += _known_tenants(catalog, default)
    for tenant in catalog.tenants.list():
        lake = Lake(tenant.root_url or default_root(settings.lake_url, tenant.name), s3=s3)
        done += _take_over(catalog, lake, tenant=tenant.name, installation=installation)
    return done


def _begin(settings: Settings, catalog: Catalog, lake: Lake, *, s3: S3Access, done: list[str]) -> Installation:
    """The row of an installation whose catalog is new; under its former name, if the lake has it."""
    marker = read_marker(lake)
    if marker is None and not folders_made_from_people(lake):
        # Nothing is there to be taken over.
        return identify(settings, catalog, s3=s3).installation
    subject_key = settings.read_subject_key()
    if subject_key is None or (marker is not None and marker.subject_key_check != key_check(subject_key)):
        raise ConflictError(
            "take over the lake",
            lake.root_url,
            "its catalog is lost, and the subject key that its pseudonyms were made with is not here",
            "Restore that key and run it again. If it is lost for good, nothing but raw/ can be used: move the other folders "
            "and installation.json out of the lake, and begin anew. Nobody will know then who was erased or refused "
            "something.",
        )
    done.append(
        "The catalog begins anew beside the lake. Everything below raw/ is read again; refusals of consent and of erased "
        "people are taken over from the lake. Profiles, decisions, keys of the API, the audit trail and tenants with a root "
        f"of their own are lost: enter them again. See {MANUAL}."
    )
    return catalog.installation.begin(
        Installation(
            installation_id=marker.installation_id if marker else secrets.token_hex(16),
            subject_key_check=key_check(subject_key),
            erasure_key_check=key_check(make_erasure_key(settings)),
            former_keys=marker.former_keys if marker else (),
            created_at=datetime.now(UTC),
        )
    )


def _known_tenants(catalog: Catalog, default: Lake) -> list[str]:
    """Enter tenants whose lakes lie below the default one's and whom the catalog does not know."""
    known = {row.name for row in catalog.tenants.list()}
    done = []
    for folder in default.folders(OF_TENANTS):
        name = folder.removeprefix(OF_TENANTS).rstrip("/")
        if name in known:
            continue
        try:
            catalog.tenants.add(name, now=datetime.now(UTC))
        except UsageError:
            continue
        done.append(f"Tenant {name} is known again.")
    return done


def _take_over(catalog: Catalog, lake: Lake, *, tenant: str, installation: Installation) -> list[str]:
    marker, own = read_marker(lake), own_marker(installation, tenant)
    if marker == own:
        return _count_on(catalog, lake, tenant=tenant)
    if marker is not None and (marker.tenant, marker.subject_key_check) != (tenant, own.subject_key_check):
        raise ConflictError(
            "take over the lake",
            f"tenant {tenant}, {lake.root_url}",
            "it is another tenant's, or its pseudonyms were made with another subject key",
            "Correct VITALGRAPH_LAKE or the tenant's root; or use the key that the lake was made with.",
        )
    done = _count_on(catalog, lake, tenant=tenant)
    write_marker(lake, own)
    return [*done, f"The lake of tenant {tenant} is this installation's: {lake.root_url}"]


def _count_on(catalog: Catalog, lake: Lake, *, tenant: str) -> list[str]:
    """Let attempts count on from those that the lake has rows of, so that nothing believes these rows.

    Uploads have the same ids as under the catalog that was lost, and so would their first attempts.
    """
    if catalog.installation.has_uploads(tenant):
        return []
    highest = 0
    for record_type in RECORD_TYPES:
        rows = lake.scan(deliveries_table(record_type), schema=pl.Schema({"attempt": pl.Int32()}))
        highest = max(highest, int(rows.select(pl.col("attempt").max()).collect().item() or 0))
    if not highest:
        return []
    catalog.tenants.set_attempts_before(tenant, highest)
    return [f"Uploads of tenant {tenant} are read again from attempt {highest + 1} on."]
