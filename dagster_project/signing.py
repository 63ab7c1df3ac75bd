"""The key that signs certificates of erasure.

Belongs here: what it is made of, and reading it.
Does not belong here: what is signed (`vitals.certificate`).
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dagster_project.key_files import ensure
from dagster_project.settings import Settings
from vitals.errors import PermanentError

FILE = "erasure.key"


def signing_key(settings: Settings) -> bytes:
    """The private key (32 bytes) of this installation, made on first use under the home.

    Raises:
        PermanentError: the file holds something else.
    """
    path = settings.home_path / FILE
    ensure(path, lambda: Ed25519PrivateKey.generate().private_bytes_raw().hex())
    try:
        key = bytes.fromhex(path.read_text().strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != 32:
        raise PermanentError(
            "read the key of certificates", str(path), "it is no key of 64 hex digits", "Restore the file."
        )
    return key
