"""Whether a lake is the one that the catalog speaks of.

Belongs here: comparing a lake's marker with the installation, and writing it into a lake that is taken into use.
Does not belong here: whether keys and catalog belong together (`dagster_project.identity`).

A lake that is not mounted looks like an empty one, and one of somebody else looks like any other. Both are refused: what
would be written there, and what would be said of what is missing, could not be taken back.
"""

from resources.catalog.catalog import Catalog
from resources.catalog.rows.installation import Installation
from resources.lake.lake import Lake
from resources.lake.marker import LakeMarker, folders_made_from_people, is_empty, read_marker, write_marker
from vitals.errors import ConflictError

ADOPT = "`vitalgraph init --adopt`"


def own_marker(installation: Installation, tenant: str) -> LakeMarker:
    """The marker that a tenant's lake should have."""
    return LakeMarker(
        installation_id=installation.installation_id,
        tenant=tenant,
        subject_key_check=installation.subject_key_check,
        former_keys=tuple(installation.former_keys),
    )


def check_key(catalog: Catalog, installation: Installation) -> None:
    """Go on only if the subject key is the one that this process began with: another would give other pseudonyms.

    Raises:
        ConflictError: it was changed, or is being changed.
    """
    now = catalog.installation.get()
    if now is not None and now.next_key_check is not None:
        why, remedy = "the subject key is being changed", "Wait for `vitalgraph key rotate`, or run it again."
    elif now is None or now.subject_key_check != installation.subject_key_check:
        why, remedy = "the subject key was changed since this process began", "Restart it."
    else:
        return
    raise ConflictError("open the lake", catalog.database.where, why, remedy)


def check_belonging(lake: Lake, *, tenant: str, installation: Installation, catalog: Catalog) -> None:
    """Take a new lake into use, or find that it is the tenant's.

    Raises:
        ConflictError: it is another's, or it is empty although the catalog has uploads in it; says what to do.
    """
    marker, own = read_marker(lake), own_marker(installation, tenant)
    if marker is None:
        _check_unmarked(lake, tenant=tenant, catalog=catalog)
        write_marker(lake, own)
        return
    for differs, why, remedy in (
        (
            marker.installation_id != own.installation_id,
            f"it is the lake of another installation ({marker.installation_id[:8]}, this is {own.installation_id[:8]})",
            (
                "Correct VITALGRAPH_LAKE, the tenant's root or VITALGRAPH_CATALOG. If a catalog was lost and this one took its "
                f"place on purpose, {ADOPT} takes the lake over."
            ),
        ),
        (
            marker.tenant != tenant,
            f"it is the lake of tenant {marker.tenant}",
            "Give every tenant a root of its own (`vitalgraph tenant list`).",
        ),
        (
            marker.subject_key_check != own.subject_key_check,
            "its pseudonyms were made with another subject key than the catalog's",
            (
                "Restore lake and catalog of the same moment; after an interrupted change of the key, run "
                "`vitalgraph key rotate` again."
            ),
        ),
    ):
        if differs:
            raise ConflictError("open the lake", f"tenant {tenant}, {lake.root_url}", why, remedy)


def _check_unmarked(lake: Lake, *, tenant: str, catalog: Catalog) -> None:
    where = f"tenant {tenant}, {lake.root_url}"
    if catalog.installation.has_uploads(tenant):
        if is_empty(lake):
            raise ConflictError(
                "open the lake",
                where,
                "there is nothing in it, although the catalog has uploads there",
                f"Mount it, restore it, or correct its URL. If it is lost for good, {ADOPT} begins anew in the empty one.",
            )
        return
    found = folders_made_from_people(lake)
    if found:
        raise ConflictError(
            "open the lake",
            where,
            f"the catalog knows of nothing there, and it holds {', '.join(sorted(found)[:5])}",
            "Name an empty folder or prefix, or one with raw/ alone. If the catalog was lost, restore it; if it is lost "
            f"for good, {ADOPT} takes the lake over.",
        )
