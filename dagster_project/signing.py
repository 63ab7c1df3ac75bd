"""The key that signs certificates of erasure.

Belongs here: what it is made of, and reading it.
Does not belong here: what is signed (`vitals.certificate`), whether it is the installation's (`identity`).
"""

import secrets
from pathlib import Path

from dagster_project.key_files import ensure
from dagster_project.settings import Settings
from vitals.errors import PermanentError

FILE = "erasure.key"
KEY_BYTES = 32


def erasure_key_file(settings: Settings) -> Path:
    """Where the key lies."""
    return settings.home_path / FILE


def make_erasure_key(settings: Settings) -> bytes:
    """The private key (32 bytes, of Ed25519) of an installation that begins; one that is there is kept."""
    ensure(erasure_key_file(settings), lambda: secrets.token_hex(KEY_BYTES))
    return signing_key(settings)


def read_erasure_key(settings: Settings) -> bytes | None:
    """The private key, or None if there is no such file.

    Raises:
        PermanentError: it holds something else, or cannot be read.
    """
    path = erasure_key_file(settings)
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unusable(path, getattr(error, "strerror", None) or "it is no text") from None
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise _unusable(path, f"it is no key of {2 * KEY_BYTES} hex digits")
    return key


def signing_key(settings: Settings) -> bytes:
    """The private key of this installation.

    Raises:
        PermanentError: there is none, or the file holds something else.
    """
    key = read_erasure_key(settings)
    if key is None:
        raise _unusable(erasure_key_file(settings), "it is missing")
    return key


def _unusable(path: Path, why: str) -> PermanentError:
    return PermanentError("read the key of certificates", str(path), why, "Restore the file.")
