"""Certificates of erasure: a document, its signature, and what is wrong with one.

Belongs here: canonical bytes, signing and verifying (Ed25519).
Does not belong here: where the key is kept, what the document says (`operations.erasure.erasure`).

The bytes of a certificate are part of it: there is one way to write a document, so a changed space fails as a
changed figure does.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SIGNATURE, PUBLIC_KEY = "signature", "public_key"


def public_key_of(private_key: bytes) -> str:
    """Public key (64 hex digits) of a private one (32 bytes)."""
    return Ed25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw().hex()


def signed(document: Mapping[str, Any], *, private_key: bytes) -> dict[str, Any]:
    """A document with the public key and the signature over everything but the signature.

    Args:
        document: JSON values.
        private_key: 32 bytes.
    """
    whole = {**document, PUBLIC_KEY: public_key_of(private_key)}
    signature = Ed25519PrivateKey.from_private_bytes(private_key).sign(as_bytes(whole))
    return {**whole, SIGNATURE: signature.hex()}


def as_bytes(document: Mapping[str, Any]) -> bytes:
    """The one way in which a document is written: UTF-8, names sorted, two spaces, a line end at the end."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def faults(data: bytes, *, public_key: str | None) -> list[str]:
    """What is wrong with the bytes of a certificate; empty if it is genuine.

    Args:
        data: the file.
        public_key: key that must have signed it (64 hex digits); None accepts the one it names, which proves that
            nothing was changed since, not by whom it was made.
    """
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError:
        return ["it is no JSON"]
    if not isinstance(document, dict):
        return ["it is no certificate"]
    named, signature = document.get(PUBLIC_KEY), document.pop(SIGNATURE, None)
    if not isinstance(named, str) or not isinstance(signature, str):
        return ["it has no key or no signature"]
    found = []
    if as_bytes({**document, SIGNATURE: signature}) != data:
        found.append("its bytes were changed")
    if public_key is not None and named != public_key:
        found.append("it was signed by another key")
    if not _is_signed(document, named, signature):
        found.append("the signature does not fit")
    return found


def _is_signed(document: Mapping[str, Any], public_key: str, signature: str) -> bool:
    try:
        key, mark = bytes.fromhex(public_key), bytes.fromhex(signature)
        # Other ways to write the same digits are not the bytes that were signed.
        if (key.hex(), mark.hex()) != (public_key, signature):
            return False
        Ed25519PublicKey.from_public_bytes(key).verify(mark, as_bytes(document))
    except (ValueError, InvalidSignature):
        return False
    return True
