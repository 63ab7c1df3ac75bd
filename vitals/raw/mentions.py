"""Where a text names a person: by a key of theirs, by their id, or by anything else that is theirs alone.

Belongs here: finding such places in a text that was written about something else (a reason, an event, a log), and taking
them out.
Does not belong here: where such texts are kept, whose an object is (`owners`).

A key names a person as `owners` says. An id that stands alone counts if it is long enough not to be a number or a word
of everybody's: `12` in a reason may be a count. It stands alone where neither a letter nor a digit touches it and it is
no part of somebody else's id.
"""

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import polars as pl

from vitals.external_ids import written_forms
from vitals.raw.owners import is_theirs

ERASED = "erased"
MIN_ID_LENGTH, MIN_MARK_LENGTH = 5, 4
"""Shorter ids, and shorter texts of an upload, are not looked for where they stand alone."""

KEY = re.compile(r"raw/[^/\s\"\\]+/[0-9]{4}/[0-9]{2}/[0-9]{2}/[^\s\"\\<>]+")
"""A key of an object in a text, also one that lies deeper than keys should."""
_PACKED = re.compile(r"base64,([A-Za-z0-9+/=]{8,})")


@dataclass(frozen=True, kw_only=True)
class Mentions:
    """By what a person can be named.

    Attributes:
        user: external id.
        marks: texts that are theirs alone, whole: pseudonym, keys, ids of uploads and records, names of apps.
        others: ids of everybody else.
    """

    user: str
    marks: frozenset[str] = frozenset()
    others: frozenset[str] = field(default=frozenset(), repr=False)

    def candidates(self, texts: Sequence[str]) -> list[int]:
        """Places of the texts that may name the person; the others certainly do not."""
        if not texts:
            return []
        wanted = sorted({spelt for mark in (*self._forms, *self._long_marks) for spelt in _spellings(mark)})
        column = pl.Series(texts, dtype=pl.String)
        may = column.str.contains_any([*wanted, "base64,"])
        return may.fill_null(value=False).arg_true().to_list()

    def are_in(self, text: str) -> bool:
        """Whether a text names the person."""
        return self.taken_out(text) != text

    def taken_out(self, text: str) -> str:
        """The text with `erased` for everything that names the person; JSON stays JSON."""
        if text[:1] in {"{", "[", '"'}:
            try:
                value = json.loads(text)
            except ValueError:
                return self._replaced(text)
            changed = self.taken_out_of(value)
            return text if changed == value else json.dumps(changed)
        return self._replaced(text)

    def taken_out_of(self, value: Any) -> Any:
        """A JSON value with `erased` for everything that names the person, names of members included."""
        if isinstance(value, str):
            return self.taken_out(value)
        if isinstance(value, dict):
            return {self._replaced(str(name)): self.taken_out_of(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.taken_out_of(one) for one in value]
        return value

    def _replaced(self, text: str) -> str:
        text = _PACKED.sub(self._unpacked, text) if "base64," in text else text
        if self._marks_pattern is not None:
            text = self._marks_pattern.sub(ERASED, text)
        kept = []
        at = 0
        # Keys are judged as keys; an id of somebody else in one is no place of this person's.
        for found in KEY.finditer(text):
            theirs = is_theirs(found[0], self.user, others=self.others)
            kept += [self._without_id(text[at : found.start()]), ERASED if theirs else found[0]]
            at = found.end()
        return "".join([*kept, self._without_id(text[at:])])

    def _without_id(self, text: str) -> str:
        return text if self._id_pattern is None else self._id_pattern.sub(self._unless_of_others, text)

    def _unless_of_others(self, found: re.Match[str]) -> str:
        for other in self._longer:
            for place in _places(found[0], other):
                begin = found.start() - place
                if begin >= 0 and found.string[begin : begin + len(other)] == other:
                    return found[0]
        return ERASED

    def _unpacked(self, found: re.Match[str]) -> str:
        try:
            text = base64.b64decode(found[1], validate=True).decode()
        except (binascii.Error, ValueError):
            return found[0]
        return f"base64,{base64.b64encode(ERASED.encode()).decode()}" if self.are_in(text) else found[0]

    @cached_property
    def _forms(self) -> list[str]:
        return written_forms(self.user)

    @cached_property
    def _longer(self) -> list[str]:
        return sorted({spelt for one in self.others for spelt in written_forms(one) if self._holds(spelt)})

    def _holds(self, other: str) -> bool:
        return any(form in other and form != other for form in self._forms)

    @cached_property
    def _long_marks(self) -> list[str]:
        return sorted(
            {mark for mark in self.marks if len(mark) >= MIN_MARK_LENGTH} - set(self._forms), key=len, reverse=True
        )

    @cached_property
    def _marks_pattern(self) -> re.Pattern[str] | None:
        return _any_of(self._long_marks)

    @cached_property
    def _id_pattern(self) -> re.Pattern[str] | None:
        stands_alone = (len(self.user) >= MIN_ID_LENGTH and not self.user.isdecimal()) or len(
            self.user
        ) >= 2 * MIN_ID_LENGTH
        return _any_of(sorted(self._forms, key=len, reverse=True)) if stands_alone else None


def _any_of(marks: Collection[str]) -> re.Pattern[str] | None:
    """Any of some texts, longest first, where neither a letter nor a digit touches it."""
    if not marks:
        return None
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, marks))})(?![^\W_])")


def _places(part: str, whole: str) -> Iterable[int]:
    at = whole.find(part)
    while at >= 0:
        yield at
        at = whole.find(part, at + 1)


def _spellings(text: str) -> set[str]:
    """A text as it stands in JSON, and in JSON within JSON."""
    found = {text}
    for ascii_only in (True, False):
        once = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        twice = json.dumps(once, ensure_ascii=ascii_only)[1:-1]
        found |= {once, twice, json.dumps(once)[1:-1]}
    return found
