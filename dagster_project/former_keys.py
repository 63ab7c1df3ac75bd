"""Subject keys of before, kept encrypted with the present one: they tell who was erased under them.

Belongs here: encrypting and decrypting them.
Does not belong here: when a key is changed (`key_change`), where they are kept (the catalog and each lake's mark).
"""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from vitals.errors import PermanentError

NONCE_BYTES = 12


def encrypted(keys: Sequence[bytes], *, key: bytes) -> tuple[str, ...]:
    """Former keys, latest first, as they are kept."""
    if not keys:
        return ()
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415 - heavy, and rarely needed

    cipher = ChaCha20Poly1305(_cipher_key(key))
    found = []
    for one in keys:
        nonce = secrets.token_bytes(NONCE_BYTES)
        found.append((nonce + cipher.encrypt(nonce, one, None)).hex())
    return tuple(found)


def decrypted(kept: Sequence[str], *, key: bytes) -> tuple[bytes, ...]:
    """Former keys, latest first.

    Raises:
        PermanentError: they were kept with another key, or changed.
    """
    if not kept:
        return ()
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - heavy, and rarely needed
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305  # noqa: PLC0415

    cipher = ChaCha20Poly1305(_cipher_key(key))
    try:
        stored = [bytes.fromhex(one) for one in kept]
        return tuple(cipher.decrypt(one[:NONCE_BYTES], one[NONCE_BYTES:], None) for one in stored)
    except (InvalidTag, ValueError):
        raise PermanentError(
            "read the former subject keys",
            "catalog",
            "they do not fit the present key",
            "Restore the catalog: without them nobody knows who was erased before the key was changed.",
        ) from None


def _cipher_key(key: bytes) -> bytes:
    return hmac.new(key, b"vitalgraph: former subject keys", hashlib.sha256).digest()
