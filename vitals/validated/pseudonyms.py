"""Pseudonyms of people.

Belongs here: the keyed hash that stands for a person everywhere beyond `raw/` and the `subject` table, and the one
that is left when a person was erased.
Does not belong here: the key, which is a secret of the installation.
"""

import hashlib
import hmac
from collections.abc import Sequence

from vitals.external_ids import external_id

SUBJECT_ID_LENGTH = 32


def subject_id(*, tenant: str, external_user: str, key: bytes) -> str:
    """Pseudonym of a person: HMAC-SHA-256 of tenant and external id, in hex, cut to 128 bits.

    The same person in two tenants has two pseudonyms, so that tenants cannot be joined.
    """
    message = f"{tenant}\x1f{external_id(external_user)}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:SUBJECT_ID_LENGTH]


def tombstone(*, tenant: str, external_user: str, key: bytes) -> str:
    """What is kept of an erased person: a keyed hash (64 hex digits) that refuses them and joins with nothing else."""
    message = f"erased\x1f{tenant}\x1f{external_user}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def tombstones(*, tenant: str, external_user: str, keys: Sequence[bytes]) -> list[str]:
    """Every tombstone by which a person may be refused: under the present key, and under each of before.

    Args:
        keys: subject keys, the present one first. What was made under an earlier one was kept under each later one.
    """
    found = []
    for place, key in enumerate(keys):
        mark = tombstone(tenant=tenant, external_user=external_user, key=key)
        for later in reversed(keys[:place]):
            mark = kept_tombstone(mark, key=later)
        found.append(mark)
    return found


def kept_tombstone(mark: str, *, key: bytes) -> str:
    """A tombstone of a former key under the one that takes its place: whoever has the former alone can test nobody on it."""
    return hmac.new(key, f"kept\x1f{mark}".encode(), hashlib.sha256).hexdigest()


def object_digest(*, tenant: str, object_key: str, key: bytes) -> str:
    """What stands for the key of an upload (64 hex digits) wherever the key itself, which names a person, may not stand."""
    message = f"object\x1f{tenant}\x1f{object_key}"
    return hmac.new(key, message.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def key_check(key: bytes) -> str:
    """What tells a key from others (64 hex digits), and nothing else: the digest of a constant with it."""
    return hmac.new(key, b"vitalgraph: is it this key", hashlib.sha256).hexdigest()


def refusal_digest(*, tenant: str, subject_id: str | None, purpose: str, key: bytes) -> str:
    """Name (64 hex digits) under which a refusal of consent is kept beside the lake; no person: the tenant's own rule."""
    message = f"consent\x1f{tenant}\x1f{subject_id or ''}\x1f{purpose}"
    return hmac.new(key, message.encode(), hashlib.sha256).hexdigest()


def keyed_digest(*parts: str, key: bytes) -> str:
    """Digest (64 hex digits) of a refused upload's names: without the key nobody can try names on it."""
    return hmac.new(key, "\x1f".join(("refused", *parts)).encode(), hashlib.sha256).hexdigest()


def upload_id(*, tenant: str, object_key: str, mark: str, key: bytes) -> str:
    """Id (64 hex digits) of a version of an object: the same wherever a lake is copied to, and nobody's name in it.

    Args:
        object_key: key of the object.
        mark: what tells its versions apart: the digest of the content, or an etag that stands for it.
        key: secret of the installation.
    """
    message = f"upload\x1f{tenant}\x1f{object_key}\x1f{mark}"
    return hmac.new(key, message.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()
