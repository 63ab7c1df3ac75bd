"""Pseudonyms of people.

Belongs here: the keyed hash that stands for a person everywhere beyond `raw/` and the `subject` table.
Does not belong here: the key, which is a secret of the installation.
"""

import hashlib
import hmac

SUBJECT_ID_LENGTH = 32


def subject_id(*, tenant: str, external_user: str, key: bytes) -> str:
    """Pseudonym of a person: HMAC-SHA-256 of tenant and external id, in hex, cut to 128 bits.

    The same person in two tenants has two pseudonyms, so that tenants cannot be joined.
    """
    message = f"{tenant}\x1f{external_user}".encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:SUBJECT_ID_LENGTH]
