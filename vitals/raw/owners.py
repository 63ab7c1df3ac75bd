"""Whose an object below ``raw/`` is, also where its key cannot be read as one of an upload.

Belongs here: the place where an id stands in a name, and which ids may stand there.
Does not belong here: the grammar of keys (`keys`), what is done to somebody's objects.

An id stands at the beginning of a name, whole, up to a ``_``, a ``.`` or the end. Anywhere else the same letters may
be a time, a hash, a word, or part of another id.
"""

import re
from collections.abc import Container

from vitals.external_ids import external_id
from vitals.raw.keys import BadKey, parse_key

_FOLDERS = re.compile(r"raw/[^/]+/[0-9]{4}/[0-9]{2}/[0-9]{2}/|raw/")
_BEING_WRITTEN = re.compile(r"#[0-9]+$")


def without_staging(key: str) -> str:
    """The key that a half-written file will have (``…avro#7`` becomes ``…avro``)."""
    return _BEING_WRITTEN.sub("", key)


def possible_users(key: str) -> list[str]:
    """Ids that the name of an object may begin with, longest first; of a key that can be read, its one."""
    parsed = parse_key(key)
    if not isinstance(parsed, BadKey):
        return [parsed.user]
    name = external_id(key.rpartition("/")[2])
    stem = name.removesuffix(".avro")
    ends = [place for place, letter in enumerate(stem) if letter in "_."]
    return sorted({name, stem, *(stem[:end] for end in ends)} - {""}, key=len, reverse=True)


def is_theirs(key: str, user: str, *, others: Container[str] = frozenset()) -> bool:
    """Whether an object is a person's: by the user id in its key, or by the longest id that its name begins with.

    Args:
        key: of the object; that of a half-written file without what marks it so.
        user: external id.
        others: everybody who is known: a name that begins with a longer id of theirs is theirs.
    """
    wanted = external_id(user)
    for candidate in possible_users(key):
        if external_id(candidate) == wanted:
            return True
        if candidate in others:
            return False
    return False


def may_name(key: str, user: str) -> bool:
    """Whether a key that cannot be read holds an id as a whole word, wherever below the folders of type and day."""
    if not isinstance(parse_key(key), BadKey):
        return False
    below = external_id(_FOLDERS.sub("", key, count=1))
    return re.search(rf"(?<![^\W_]){re.escape(external_id(user))}(?![^\W_])", below) is not None
