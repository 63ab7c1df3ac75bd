"""External ids of people: one identity, however its letters are encoded.

Belongs here: the one form in which an id is compared, stored and hashed, and the forms in which it may be written.
Does not belong here: keys of objects, which stay the bytes they are, or pseudonyms.

An accented letter, a Hangul syllable or a Vietnamese vowel has several encodings that no reader can tell apart: composed
on most systems, decomposed by macOS. They are one id (Unicode's canonical equivalence, NFC). Nothing else is folded:
case, full and half width, ligatures and spaces may tell two people apart, and control and invisible characters are
refused in keys. A percent sign is refused too, so an id cannot come encoded.
"""

import unicodedata


def external_id(text: str) -> str:
    """Return the id that a text names."""
    return unicodedata.normalize("NFC", text)


def written_forms(text: str) -> list[str]:
    """Return the forms in which an id may have been hashed or written by what did not know of its other forms."""
    return sorted({text, external_id(text), unicodedata.normalize("NFD", text)})
