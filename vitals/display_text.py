r"""Text that somebody else wrote, as data: which of it may enter, and how it is shown.

Belongs here: which characters are never part of a name, how long a text may be, and how one is written on a terminal, in
an error, in HTML, SVG and JSON. Every place that shows a text of an upload asks here; Markdown holds none.
Does not belong here: which columns of a row hold names (`validated.rules`), or what an app is called
(`training.source_names`).

Uploads hold names that people and writers chose, and names of files. What a terminal, a browser or an eye takes for an
order is refused at the door, because no name needs it, and written as an escape (`\x1b`, `\u202e`) wherever it is shown.
Names of all scripts, and emoji, come through both unchanged.
"""

import html
import re

LONGEST_NAME = 255
"""Characters of a name in a row: of a record, an app, a device."""

LONGEST_MESSAGE = 4_000
"""Characters of each part of an error that is shown: a list in it may be of any length."""

# C0 and C1 controls; separators of lines and paragraphs; embeddings, overrides and isolates of the direction of writing;
# deprecated controls; interlinear annotation; code points that are no characters; a second alphabet that nobody sees.
_ORDERS = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\U000e0000-\U000e007f"
# Nothing at all, or a mark of direction: honest names of some scripts hold them, and nobody sees whether they do.
_UNSEEN = r"\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u2065\ufeff"
_SURROGATES = r"\ud800-\udfff"

ORDERS = f"[{_ORDERS}]"
"""What no name holds, flags being taken out before; a pattern for Python and Polars alike."""
FLAG = r"\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f"
"""The flag of a part of a country: the one honest use of the unseen alphabet."""
SEEN = rf"[^\s{_ORDERS}{_UNSEEN}\u200c\u200d]"
"""What leaves ink on paper, and a name has some of it."""

_ORDER, _FLAG = re.compile(ORDERS), re.compile(FLAG)
_HIDDEN = re.compile(f"({FLAG})|[{_ORDERS}{_UNSEEN}{_SURROGATES}]")
_HIDDEN_IN_LAYOUT = re.compile(f"({FLAG})|(?![\n\t])[{_ORDERS}{_UNSEEN}{_SURROGATES}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def is_name(text: str) -> bool:
    """Whether a text may be a name in a row (`validated.rules`)."""
    return len(text) <= LONGEST_NAME and not _ORDER.search(_FLAG.sub("", text))


def escape_line(text: str, *, longest: int | None = None) -> str:
    """Return a text in one line of what is seen: the rest as escapes, and cut to a length if one is given."""
    found = _HIDDEN.sub(_escape, text)
    return found if longest is None or len(found) <= longest else f"{found[: longest - 1]}…"


def escape_lines(text: str) -> str:
    """Return a text of several lines likewise: line feeds and tabs are its layout."""
    return _HIDDEN_IN_LAYOUT.sub(_escape, text)


def shorten_message(text: str) -> str:
    """Return a part of an error as it is shown, wherever that is."""
    return escape_line(text, longest=LONGEST_MESSAGE)


def escape_html(text: str, *, longest: int | None = None) -> str:
    """Return a text as content or quoted attribute of HTML, SVG and other XML."""
    return html.escape(escape_line(text, longest=longest), quote=True)


def escape_json(document: str) -> str:
    """Return a JSON document that means the same, with nothing in it that a terminal obeys or an eye does not see."""
    return _HIDDEN_IN_LAYOUT.sub(lambda found: found[1] or _utf_16(found[0]), document)


def _escape(found: re.Match[str]) -> str:
    if found[1]:
        return found[1]
    number = ord(found[0])
    if found[0] in _SHORT:
        return _SHORT[found[0]]
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _utf_16(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
