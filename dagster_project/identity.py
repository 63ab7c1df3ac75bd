"""Whether the keys, the catalog and the lake are those of one installation.

Belongs here: what is made on the first start and compared on every other one, and the refusals, each with what to do.
Does not belong here: which lake is a tenant's (`resources.lake.belonging`), changing a key (`dagster_project.key_change`).

A key that is lost is never made again by itself: people would get other pseudonyms, and who was erased would be let in.
A catalog that is lost is never begun again beside a lake with data: who refused something would be taken to allow it.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from dagster_project.former_keys import decrypted
from dagster_project.key_files import NEXT_SUBJECT_KEY
from dagster_project.settings import Settings
from dagster_project.signing import erasure_key_file, make_erasure_key, read_erasure_key
from resources.catalog.catalog import Catalog
from resources.catalog.rows.installation import Installation
from resources.lake.belonging import ADOPT
from resources.lake.lake import Lake, S3Access
from resources.lake.marker import LakeMarker, folders_made_from_people, read_marker
from vitals.errors import ConflictError
from vitals.validated.pseudonyms import key_check, subject_id

MANUAL = "docs/operations.md, Keys and what belongs together"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """An installation whose parts fit.

    Attributes:
        subject_key: secret of the pseudonyms.
        installation: as the catalog has it.
        former_keys: subject keys of before, latest first.
    """

    subject_key: bytes
    installation: Installation
    former_keys: tuple[bytes, ...]


def identify(settings: Settings, catalog: Catalog, *, s3: S3Access) -> Identity:
    """Compare keys and catalog; on the first start, of an empty installation, make what there is to make.

    Raises:
        ConflictError: they do not belong together, or something is lost; says what to do.
    """
    found = catalog.installation.get()
    if found is None:
        return _begin(settings, catalog, s3=s3)
    subject_key = settings.read_subject_key()
    if subject_key is None:
        raise key_missing(settings)
    _check_no_change(settings, found)
    if key_check(subject_key) != found.subject_key_check:
        raise other_key(settings, catalog)
    _check_erasure_key(settings, found)
    _check_digests(catalog)
    return _identity(found, subject_key)


def _identity(installation: Installation, subject_key: bytes) -> Identity:
    former = decrypted(installation.former_keys, key=subject_key)
    return Identity(subject_key=subject_key, installation=installation, former_keys=former)


def _check_no_change(settings: Settings, installation: Installation) -> None:
    """Refuse to work while the subject key is being changed, or was and its file is not in place yet."""
    file = settings.home_path / NEXT_SUBJECT_KEY
    waits = file.exists() and key_check(file.read_bytes().strip()) == installation.subject_key_check
    if installation.next_key_check is not None or waits:
        raise ConflictError(
            "open the installation",
            str(settings.home_path),
            "its subject key is being changed, or was and the last step is missing",
            "Wait for `vitalgraph key rotate` (or `key rehash`) if it is running; if it was interrupted, run it again.",
        )


def _check_digests(catalog: Catalog) -> None:
    some = catalog.installation.some_key()
    if some is not None and some[1] == hashlib.sha256(some[0].encode(errors="surrogatepass")).hexdigest():
        raise ConflictError(
            "open the installation",
            catalog.database.where,
            "an earlier version made digests of upload keys without a secret, so people could be found out by trying names",
            "Pause what runs, and run `vitalgraph key rehash`: it makes them anew, and lines are rendered again.",
        )


def _begin(settings: Settings, catalog: Catalog, *, s3: S3Access) -> Identity:
    marker, subject_key = _what_was_there(settings, catalog, s3=s3)
    made = subject_key is None
    if subject_key is None:
        subject_key = settings.make_subject_key()
    erasure_key = make_erasure_key(settings)
    installation = catalog.installation.begin(
        Installation(
            installation_id=marker.installation_id if marker else secrets.token_hex(16),
            subject_key_check=key_check(subject_key),
            erasure_key_check=key_check(erasure_key),
            former_keys=marker.former_keys if marker else (),
            created_at=datetime.now(UTC),
        )
    )
    if installation.subject_key_check != key_check(subject_key):
        # Another home began the same catalog at the same moment.
        if made:
            settings.subject_key_path.unlink(missing_ok=True)
        raise other_key(settings, catalog)
    _check_digests(catalog)
    return _identity(installation, subject_key)


def _what_was_there(settings: Settings, catalog: Catalog, *, s3: S3Access) -> tuple[LakeMarker | None, bytes | None]:
    """Marker of the lake and subject key that the installation begins with; None where there is none yet."""
    lake = Lake(settings.lake_url, s3=s3)
    marker, subject_key = read_marker(lake), settings.read_subject_key()
    if not _is_in_use(catalog):
        found = [marker.tenant] if marker else folders_made_from_people(lake)
        if found:
            raise ConflictError(
                "begin an installation",
                f"{catalog.database.where}, lake {lake.root_url}",
                "the catalog is new or empty, and the lake is not: consents, refusals and decisions would be lost without a "
                "word",
                "Restore the catalog of the same moment, or correct VITALGRAPH_CATALOG or VITALGRAPH_LAKE. If it is lost "
                f"for good, {ADOPT} begins a new one beside this lake; see {MANUAL}.",
            )
        return None, subject_key
    # Made before there was a row of the installation, or a backup from before.
    if subject_key is None:
        raise key_missing(settings)
    somebody = catalog.installation.somebody()
    if somebody is not None and not _made(somebody, subject_key):
        raise other_key(settings, catalog)
    if marker is not None and marker.subject_key_check != key_check(subject_key):
        raise other_key(settings, catalog)
    return marker, subject_key


def _is_in_use(catalog: Catalog) -> bool:
    return catalog.installation.somebody() is not None or catalog.installation.has_uploads()


def _made(somebody: tuple[str, str, str], key: bytes) -> bool:
    tenant, user, pseudonym = somebody
    return subject_id(tenant=tenant, external_user=user, key=key) == pseudonym


def _check_erasure_key(settings: Settings, installation: Installation) -> None:
    key = read_erasure_key(settings)
    path = erasure_key_file(settings)
    if key is None:
        raise ConflictError(
            "open the installation",
            str(path),
            "the key that signs certificates of erasure is missing",
            f"Restore the file from a backup of the keys. If it is lost for good, {ADOPT} makes another, with which the "
            "certificates of before cannot be verified.",
        )
    if key_check(key) != installation.erasure_key_check:
        raise ConflictError(
            "open the installation",
            str(path),
            "it is another key than the one that signs this installation's certificates of erasure",
            f"Copy the file from the installation's other home or from a backup of the keys; {ADOPT} takes this one "
            "over, and the certificates of before cannot be verified with it.",
        )


def key_missing(settings: Settings) -> ConflictError:
    """The error for a subject key that is lost."""
    return ConflictError(
        "open the installation",
        _where(settings),
        "the subject key is missing; another one would give everybody another pseudonym, and let in who was erased",
        "Restore the file from a backup of the keys, or copy it from the installation's other home, or set "
        "VITALGRAPH_SUBJECT_KEY_FILE. If it is lost for good, `vitalgraph key rotate --former-key-lost` makes another; see "
        f"{MANUAL}.",
    )


def other_key(settings: Settings, catalog: Catalog) -> ConflictError:
    """The error for a subject key that is not the installation's."""
    return ConflictError(
        "open the installation",
        f"{_where(settings)}, {catalog.database.where}",
        "the subject key is not the one that the catalog's pseudonyms were made with",
        "Use the key of this installation: its file from a backup of the keys or from its other home, or the value that "
        "VITALGRAPH_SUBJECT_KEY had; or correct VITALGRAPH_HOME or VITALGRAPH_CATALOG. To change the key, use "
        f"`vitalgraph key rotate`; see {MANUAL}.",
    )


def _where(settings: Settings) -> str:
    if settings.subject_key is not None:
        return "VITALGRAPH_SUBJECT_KEY"
    return str(settings.subject_key_path)
