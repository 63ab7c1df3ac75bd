"""Keys of objects and names of tables, relative to a lake's root.

Belongs here: which keys may be used at all, and how a key is shown to people.
Does not belong here: what the parts of an upload key mean (`vitals.raw.keys`).
"""

import hashlib
import hmac
import re
import secrets

from vitals.errors import UsageError

_DATED = re.compile(r"raw/[A-Za-z]{1,60}Record/[0-9]{4}/[0-9]{2}/[0-9]{2}/", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_TABLE = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*", re.ASCII)


class _Shown:
    """The secret of what is shown instead of keys; until an installation gives its own, one of this process."""

    secret = secrets.token_bytes(32)


def show_keys_by(secret: bytes) -> None:
    """Let every process of an installation show the same for the same key."""
    _Shown.secret = secret


def safe_key(key: str) -> str:
    """A key as it may be shown: below `raw/` it holds the external user id, which is replaced by a keyed hash.

    Returns:
        `raw/{Type}/{Y}/{M}/{D}/<12 hex digits>`; `raw/<12 hex digits>` where the folders are not of that form
        (anything could be in them); any other key as it is.
    """
    if not key.startswith("raw/"):
        return key
    dated = _DATED.match(key)
    rest = key[dated.end() if dated else len("raw/") :]
    if not rest:
        return key
    # Keyed, because little of a key is unknown: whoever reads logs could try names on a plain one.
    digest = hmac.new(_Shown.secret, key.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()[:12]
    return f"{dated.group() if dated else 'raw/'}{digest}"


def is_usable(key: str) -> bool:
    """Whether an object of this key can be read or written: no empty or relative part, no control character."""
    return not (_CONTROL.search(key) or "\\" in key or any(part in {"", ".", ".."} for part in key.split("/")))


def checked_key(key: str, *, attempted: str) -> str:
    """The key, if it can be used.

    Raises:
        UsageError: it could leave the lake, or the store would change it.
    """
    if not is_usable(key):
        raise UsageError(
            attempted,
            safe_key(key),
            "the key has an empty or relative part, a backslash or a control character",
            "Use a key relative to the lake's root, such as raw/StepsRecord/2025/09/20/x.avro.",
        )
    return key


def checked_prefix(prefix: str, *, attempted: str) -> str:
    """The prefix without its trailing slash; empty for the whole lake.

    Raises:
        UsageError: as for a key.
    """
    trimmed = prefix.removesuffix("/")
    return checked_key(trimmed, attempted=attempted) if trimmed else ""


def checked_table(table: str) -> str:
    """The name, if it can be a table's.

    Raises:
        UsageError: it is not made of lower-case words.
    """
    if not _TABLE.fullmatch(table):
        raise UsageError(
            "open the table",
            repr(table),
            "the name is not lower-case words",
            "Use stage/kind, such as validated/steps.",
        )
    return table
