"""The object at a lake's root that says whose lake it is.

Belongs here: writing and reading it, and what else there is at a root.
Does not belong here: whether it fits (`resources.workspace`, `dagster_project.identity`).
"""

from dataclasses import asdict, dataclass

import orjson

from resources.lake.lake import Lake
from vitals.errors import NotFoundError, PermanentError

MARKER = "installation.json"

UPLOADED, OF_TENANTS = "raw/", "tenants/"
"""Folders of a root that need no marker: what uploaders write, and the lakes of other tenants."""


@dataclass(frozen=True, kw_only=True)
class LakeMarker:
    """Whose lake it is.

    Attributes:
        installation_id: as in the catalog.
        tenant: whose data it holds.
        subject_key_check: tells whether a subject key is the one that its pseudonyms were made with.
        former_keys: earlier ones, encrypted with it: without them nobody knows who was erased under them.
    """

    installation_id: str
    tenant: str
    subject_key_check: str
    former_keys: tuple[str, ...] = ()


def read_marker(lake: Lake) -> LakeMarker | None:
    """The marker of a lake, or None if it has none.

    Raises:
        PermanentError: it holds something else.
    """
    try:
        data = lake.read_object(MARKER)
    except NotFoundError:
        return None
    try:
        stored = orjson.loads(data)
        return LakeMarker(**{**stored, "former_keys": tuple(stored.get("former_keys", ()))})
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        raise PermanentError(
            "tell whose lake it is",
            f"{lake.root_url}/{MARKER}",
            "the object holds something else than it should",
            "Restore it, or remove it and run `vitalgraph init --adopt`.",
        ) from None


def write_marker(lake: Lake, marker: LakeMarker) -> None:
    """Say whose lake it is."""
    lake.write_object(MARKER, orjson.dumps(asdict(marker), option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2))


def folders_made_from_people(lake: Lake) -> list[str]:
    """Folders at a lake's root beside uploads: what was computed there, or is none of ours."""
    return [folder for folder in lake.folders("") if folder not in {UPLOADED, OF_TENANTS}]


def is_empty(lake: Lake) -> bool:
    """Whether there is not a single object."""
    return next(iter(lake.objects("", on_no_object=lambda _: None)), None) is None
