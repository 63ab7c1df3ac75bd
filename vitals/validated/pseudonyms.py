"""Pseudonyms of people.

Belongs here: the keyed hash that stands for a person everywhere beyond `raw/` and the `subject` table, and the one
that is left when a person was erased.
Does not belong here: the key, which is a secret of the installation.
"""

import hashlib
import hmac

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
