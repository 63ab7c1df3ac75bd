"""Refusals of consent beside the lake: what a person does not allow outlives the catalog.

Belongs here: keeping the refusals in the catalog and those beside the lake the same; each side wins where the other has none.
Does not belong here: what consent moves (`operations.consent`), who was erased (`erasures/`, likewise kept).

A refusal is one object under `consents/`, named by a keyed digest of tenant, person and purpose, and holds nothing more.
A catalog that was lost or restored from an older backup takes them over: as soon as the person is known in it, and before
anything of theirs is read. A consent that is given again takes the object away.
"""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import orjson

from resources.catalog.catalog import Catalog
from resources.catalog.rows.people import PURPOSES, Purpose
from resources.lake.lake import Lake
from vitals.validated.pseudonyms import refusal_digest

REFUSALS = "consents/"
ACTOR = "kept beside the lake"


def deciding(catalog: Catalog, tenant: str) -> AbstractContextManager[bool]:
    """Hold this while consent of the tenant is decided, or refusals in catalog and lake are made the same."""
    return catalog.exclusive(f"consent-{tenant}", wait=True)


def reconcile(catalog: Catalog, lake: Lake, *, tenant: str, key: bytes) -> int:
    """Enter what only one side has on the other; number of refusals that the catalog lacked."""
    there = _there(lake)
    if not there and not catalog.consents.refusals(tenant):
        return 0
    with deciding(catalog, tenant):
        return _reconciled(catalog, lake, tenant=tenant, key=key)


def keep(
    catalog: Catalog, lake: Lake, *, tenant: str, key: bytes, granted: Iterable[tuple[str | None, Purpose]]
) -> None:
    """After a decision, while `deciding` is held: forget refusals that were taken back, and keep the others."""
    taken_back = [_key_of(tenant, subject, purpose, key) for subject, purpose in granted]
    lake.delete_objects(taken_back)
    _reconciled(catalog, lake, tenant=tenant, key=key)


def keep_refusals(lake: Lake, *, tenant: str, refused: Iterable[tuple[str | None, Purpose]], key: bytes) -> None:
    """Keep refusals beside those that are there, under another key."""
    for subject, purpose in refused:
        lake.write_object(_key_of(tenant, subject, purpose, key), _body(tenant))


def drop_refusals(catalog: Catalog, lake: Lake, *, tenant: str, key: bytes) -> None:
    """Delete refusals that are none in the catalog: those that were kept under a former key."""
    mine = {_key_of(tenant, subject, purpose, key) for subject, purpose in catalog.consents.refusals(tenant)}
    lake.delete_objects(sorted(_there(lake) - mine))


def refusals_of(lake: Lake, *, tenant: str, subject_id: str, key: bytes) -> list[str]:
    """Keys of a person's refusals beside the lake."""
    keys = [_key_of(tenant, subject_id, purpose, key) for purpose in PURPOSES]
    return [one for one in keys if lake.exists(one)]


def _reconciled(catalog: Catalog, lake: Lake, *, tenant: str, key: bytes) -> int:
    there = _there(lake)
    in_catalog = {
        _key_of(tenant, subject, purpose, key): subject for subject, purpose in catalog.consents.refusals(tenant)
    }
    for one in sorted(in_catalog.keys() - there):
        lake.write_object(one, _body(tenant))
    lost = there - in_catalog.keys()
    if not lost:
        return 0
    # Who it is can only be found out by trying everybody who is known; whoever is not known yet is tried again later.
    people: list[str | None] = [None, *sorted(catalog.subjects.subject_ids(tenant).values())]
    found = 0
    for subject in people:
        again = {p: False for p in PURPOSES if _key_of(tenant, subject, p, key) in lost}
        if again:
            catalog.consents.decide(tenant, subject, again, actor=ACTOR, now=datetime.now(UTC))
            found += len(again)
    return found


def _body(tenant: str) -> bytes:
    return orjson.dumps({"tenant": tenant})


def _there(lake: Lake) -> set[str]:
    return {found.key for found in lake.objects(REFUSALS)}


def _key_of(tenant: str, subject_id: str | None, purpose: Purpose, key: bytes) -> str:
    return f"{REFUSALS}{refusal_digest(tenant=tenant, subject_id=subject_id, purpose=purpose, key=key)}.json"
