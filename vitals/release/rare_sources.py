"""Source apps that so few people of a release use that their name points at somebody.

Belongs here: which apps a line names, which of them are rare, and what stands in their place.
Does not belong here: what an app is called in a text (`vitals.training.source_names`).

A rare app becomes ``rare.app.a`` in a line, a second one ``rare.app.b``, in text, prompt, ids and sources alike. The
stand-in has the form of a package name, so whatever reads a line reads it like that of any app without a title. The
letters follow the order in which a line names its apps: ``rare.app.a`` of two people need not be the same app.

Of a device a line names the type at most, one of a closed set, so none is generalised. What an app can deliver ("only 70-250 mg/dL") stays, for it is a fact
that the text rests on, and it narrows down which app it was.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import product
from string import ascii_lowercase
from typing import Any

from vitals.clinical.metrics import BY_ID
from vitals.training.metric_names import NAMES
from vitals.training.source_names import TITLES, UNLISTED, title_of

STAND_IN = "rare.app."

_PACKAGES = {title: app for app, title in TITLES.items()}
_TITLE = re.compile(rf"(?:{'|'.join(re.escape(title) for title in sorted(_PACKAGES, reverse=True))})(?!\w)")
_PACKAGE = re.compile(r"(?<![\w.])[A-Za-z]\w*(?:\.[A-Za-z]\w*)+", re.ASCII)
# Most texts have no such pair of characters, and looking for it is quick.
_DOTTED = re.compile(r"\w\.[A-Za-z]")
_OTHER = re.compile(r"#other:([^#:/]+)")
_LETTERS = ["".join(letters) for length in (1, 2) for letters in product(ascii_lowercase, repeat=length)]


def apps_of(line: Mapping[str, Any]) -> list[str]:
    """Package names of the apps that a line names anywhere, by title or by package, in the order of first mention."""
    metadata = line["metadata"]
    texts = [line["input"], line["output"], line.get("rejected") or "", line["instruction"]]
    texts += [entry["reason"] for entry in metadata.get("withheld") or ()]
    texts.append((metadata.get("abstention") or {}).get("reason") or "")
    found: dict[str, None] = {}
    for text in texts:
        named = [(match.start(), _PACKAGES[match.group()]) for match in _TITLE.finditer(text)]
        if _DOTTED.search(text):
            named += [(match.start(), match.group()) for match in _PACKAGE.finditer(text) if _is_app(match.group())]
        found |= dict.fromkeys(app for _, app in sorted(named))
    for claim in metadata["claims"]:
        found |= dict.fromkeys((*claim["sources"], *_OTHER.findall(claim["id"])))
    found.pop(UNLISTED, None)
    return list(found)


def rare_sources(lines: Iterable[Mapping[str, Any]], *, fewest_persons: int) -> frozenset[str]:
    """Package names of the apps that fewer than so many persons of a release have in any of their lines."""
    persons: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        for app in apps_of(line):
            having = persons[app]
            if len(having) < fewest_persons:
                having.add(line["metadata"]["subject_id"])
    return frozenset(app for app, having in persons.items() if len(having) < fewest_persons)


def stand_ins(line: Mapping[str, Any], rare: frozenset[str]) -> dict[str, str]:
    """What stands in for each rare app of a line, by package name."""
    apps = [app for app in apps_of(line) if app in rare] if rare else []
    names: dict[str, str] = {}
    for app, letters in zip(apps, _LETTERS, strict=False):
        # A text says "an unlisted app" of both; ids must still tell it from another of that kind.
        names[app] = f"{UNLISTED} {letters}" if title_of(app) == UNLISTED else STAND_IN + letters
    return names


def replaced(text: str, names: Mapping[str, str]) -> str:
    """A text in which each of these apps, by title or by package name, bears its stand-in."""
    if not names:
        return text
    written = {TITLES[app]: name for app, name in names.items() if app in TITLES} | dict(names)

    def stand_in(match: re.Match[str]) -> str:
        # Looked at here and not by the pattern, which is several times quicker if it begins with letters.
        before = text[match.start() - 1 : match.start()]
        return match.group() if before.isalnum() or before in {"_", "."} else written[match.group()]

    return _pattern(tuple(sorted(written, reverse=True))).sub(stand_in, text)


@lru_cache(maxsize=256)
def _pattern(written: tuple[str, ...]) -> re.Pattern[str]:
    """Names that end as a whole name: not within a longer word or package name, but before a full stop."""
    names = "|".join(re.escape(name) for name in written)
    return re.compile(rf"(?:{names})(?!\w|\.\w)", re.ASCII)


@lru_cache(maxsize=4096)
def _is_app(name: str) -> bool:
    """Whether a dotted name is that of an app and not of a metric."""
    return name not in BY_ID and name not in NAMES
