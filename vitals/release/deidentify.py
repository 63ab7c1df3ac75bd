"""What a release changes in its lines so that they do not lead back to a person.

Belongs here: the profiles, and their application to one line after the other.
Does not belong here: how dates move (`date_shift`), which apps are rare (`rare_sources`), how far a release still
lets persons be told apart (`reidentification`), or the order and the files of a release.

The profile "standard", for each person of a release:

    dates       move back by a secret number of whole weeks, everywhere they stand
    person      a pseudonym of this release instead of the subject id
    uploads     their hashes are dropped; the trace id becomes one of this release
    apps        those that fewer than `fewest_persons` people have are not named
    age         in buckets of AGE_BUCKET_YEARS, from 90 on together
    id          that of the new content, as examples have it

The same release from the same lines and key has the same bytes. The release takes part in every secret, so ids, dates
and pseudonyms of two releases differ; texts without their dates do not, and they link the people of two versions
(`Statistics.as_json` counts how many, and the card says so). To hide the order of the lake too, a release writes its
lines by their new ids.

Days that are still open are never in it, and of each person a last stretch is left out (`last_stretch`): the newest day
would tell how far the dates moved.

What stays, and may give a person away to someone who knows enough: the values themselves; which weekdays and gaps a
person's days have; the first day, where it is known when somebody began; the UTC offsets, and with them a clock
change, whose true date is public; the side of the split, which is the same in every version by design. `none` changes
nothing; one has to name it.
"""

import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any

import orjson

from vitals.errors import PermanentError, UsageError
from vitals.release.date_shift import dates_in, has_foreign_date, shifter, strings_of, weeks_back, with_strings
from vitals.release.rare_sources import replaced, stand_ins

AGE_BUCKET_YEARS = 5
ADULT_YEARS = 18
OLDEST_YEARS = 90
AGE_UNIT = "years"
"""Unit of a claim whose value is somebody's age."""

PSEUDONYM_LENGTH = 32

_SEPARATOR = "\x00"
"""Joins the strings of a line, so that each pattern runs once; no text of ours holds it."""

_DIGEST = re.compile(r"\b[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){2}", re.ASCII)
"""The beginning of a hash in hex, or of a UUID."""


@dataclass(frozen=True)
class Profile:
    """A de-identification profile.

    Attributes:
        name: what a release calls it.
        changes: whether it changes anything at all.
        fewest_persons: an app that fewer people of a release have is not named.
    """

    name: str
    changes: bool = True
    fewest_persons: int = 5


STANDARD = Profile("standard")
NONE = Profile("none", changes=False, fewest_persons=0)
PROFILES: Mapping[str, Profile] = MappingProxyType({profile.name: profile for profile in (STANDARD, NONE)})


def profile_named(name: str) -> Profile:
    """The profile of a name.

    Raises:
        UsageError: there is none of that name; there is no default either.
    """
    if name not in PROFILES:
        raise UsageError(
            "choose a de-identification profile",
            "the specification of the release",
            f"a profile must be named, and only {' and '.join(PROFILES)} are known",
            "Name `standard`, or `none` if the data may be released as they are.",
        )
    return PROFILES[name]


def age_bucket(age_years: float) -> str:
    """An age as its bucket: "0-17", "18-19", "20-24", …, "85-89", "90+"."""
    if age_years >= OLDEST_YEARS:
        return f"{OLDEST_YEARS}+"
    if age_years < ADULT_YEARS:
        return f"0-{ADULT_YEARS - 1}"
    first = int(age_years) // AGE_BUCKET_YEARS * AGE_BUCKET_YEARS
    return f"{max(first, ADULT_YEARS)}-{first + AGE_BUCKET_YEARS - 1}"


def released_subject_id(subject_id: str, *, key: bytes, release_id: str) -> str:
    """Pseudonym of a person in a release under a profile that changes something."""
    return _keyed(key, "person", release_id, subject_id)


def deidentify(
    lines: Iterable[Mapping[str, Any]], profile: Profile, *, key: bytes, release_id: str, rare: frozenset[str]
) -> Iterator[dict[str, Any]]:
    """Training lines as a release shows them, one at a time, in the order given.

    Args:
        lines: parsed lines of the training lake.
        profile: what to change.
        key: secret of the installation.
        release_id: what tells this release from every other, as ``name/version``.
        rare: `rare_sources` of all lines of the release.

    Raises:
        PermanentError: a line holds a date or an id that the profile does not know how to change.
    """
    shifts: dict[str, Callable[[str], str]] = {}
    for line in lines:
        if not profile.changes:
            yield dict(line)
            continue
        subject_id = line["metadata"]["subject_id"]
        if subject_id not in shifts:
            shifts[subject_id] = shifter(weeks_back(subject_id, key=key, release_id=release_id))
        yield _line(line, shift=shifts[subject_id], names=stand_ins(line, rare), key=key, release_id=release_id)


def content_id(line: Mapping[str, Any]) -> str:
    """Id of a line: the hash of what it says, about whom and when."""
    metadata = line["metadata"]
    parts = [line["instruction"], line["input"], line["output"], metadata["task"]]
    parts += [metadata["subject_id"], metadata["local_date"]]
    if line["rejected"] is not None:
        parts.append(line["rejected"])
    return sha256(orjson.dumps(parts)).hexdigest()


def _line(
    line: Mapping[str, Any], *, shift: Callable[[str], str], names: Mapping[str, str], key: bytes, release_id: str
) -> dict[str, Any]:
    old = line["metadata"]
    bare = {
        **line,
        "id": "",
        "metadata": {**old, "source_s3_keys_sha256": [], "subject_id": "", "trace_id": ""},
    }
    bare = _with_age_buckets(bare)
    texts = list(strings_of(bare))
    joined = _SEPARATOR.join(texts)
    try:
        moved = shift(joined)
    except ValueError:
        raise _refused("a date in it is no day of the calendar", line) from None
    _refuse_leftovers(bare, joined, moved, shift)
    new = replaced(moved, names).split(_SEPARATOR)
    changed: dict[str, Any] = with_strings(bare, dict(zip(texts, new, strict=True)))
    changed["metadata"]["subject_id"] = released_subject_id(old["subject_id"], key=key, release_id=release_id)
    changed["metadata"]["trace_id"] = _keyed(key, "trace", release_id, old.get("trace_id", ""))
    changed["id"] = content_id(changed)
    return changed


def _with_age_buckets(line: dict[str, Any]) -> dict[str, Any]:
    """The line with each claim of an age, and what its texts write of it, as a bucket."""
    ages = {c["value"] for c in line["metadata"]["claims"] if c["unit"] == AGE_UNIT and c["value"] is not None}
    if not ages:
        return line
    written = "|".join(f"{age:g}" for age in sorted(ages, reverse=True))
    pattern = re.compile(rf"(?<![\d.,-])(?:{written})(?=[ -]years?\b)")
    texts = {name: member for name, member in line.items() if name != "metadata"}
    bucketed = {text: pattern.sub(lambda match: age_bucket(float(match.group())), text) for text in strings_of(texts)}
    rewritten: dict[str, Any] = with_strings(texts, bucketed)
    claims = [
        {**claim, "text": age_bucket(claim["value"]), "value": None}
        if claim["unit"] == AGE_UNIT and claim["value"] in ages
        else claim
        for claim in line["metadata"]["claims"]
    ]
    return {**line, **rewritten, "metadata": {**line["metadata"], "claims": claims}}


def _refuse_leftovers(line: Mapping[str, Any], before: str, after: str, shift: Callable[[str], str]) -> None:
    """Refuse a line of which some text did not move, or looks like an id from elsewhere."""
    if dates_in(after) != [shift(date) for date in dates_in(before)] or has_foreign_date(after):
        raise _refused("a date in it is written in a form that cannot be moved", line)
    if _DIGEST.search(after):
        raise _refused("it holds an id that would lead back to its records", line)


def _refused(why: str, line: Mapping[str, Any]) -> PermanentError:
    metadata = line["metadata"]
    return PermanentError(
        "de-identify an example",
        f"{metadata['training_category']}, task {metadata['task']}",
        why,
        "Write dates as YYYY-MM-DD and keep ids out of the line where it is rendered (vitals/training).",
    )


def _keyed(key: bytes, *parts: str) -> str:
    return hmac.new(key, "\x1f".join(parts).encode(), sha256).hexdigest()[:PSEUDONYM_LENGTH]
