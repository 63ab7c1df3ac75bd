"""What a text says it cannot state: the named metrics must be withheld, for the reason given.

Belongs here: reading "Not assessable: a, b and c (reason); d (reason)". Does not belong here: stated values.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from vitals.verification.grounding.ledger import NEUTRAL_REASON, Ledger
from vitals.verification.grounding.lexicon import KIND_NAMES, LABELS, SUBJECTS

_HEAD = re.compile(
    r"(?:not assessable|not stated for this day|cannot be assessed here|left open by these data): ", re.IGNORECASE
)
_REFUSAL = re.compile(
    rf"(?:for \$,? |in the record of \$, )?({'|'.join(map(re.escape, SUBJECTS))})(?: for \$)? "
    "(?:cannot be stated|is not )([^¤]*¤)?",
    re.IGNORECASE,
)
_VALUED = re.compile(
    rf"(?:for \$,? |in the record of \$, )?({'|'.join(map(re.escape, SUBJECTS))})(?: for \$)? was #",
    re.IGNORECASE,
)
_ABSENT = re.compile(r"(?:without records on this day|the data hold no record of): (.+)", re.IGNORECASE)
_GROUP = re.compile(r"([^();¤]+)(?: \((¤)\))?(?:; |\.?$)")


class Absences(NamedTuple):
    """What a sentence says that it cannot state.

    Attributes:
        kinds: names of kinds of which it says that there are no records; None if it does not speak of that.
        subject: what it refuses to state; None if it refuses nothing.
        has_reason: whether the refusal gives a reason.
        groups: labels of each group of a list, and the position of its reason among those of the sentence.
    """

    kinds: tuple[str, ...] | None
    subject: str | None
    has_reason: bool
    groups: tuple[tuple[tuple[str, ...], int | None], ...]


@lru_cache(maxsize=8192)
def absences_of(sentence: str) -> Absences | None:
    """What a sentence, as a skeleton, says that it cannot state; None for one that says nothing of the sort."""
    absent, refusal, groups = _ABSENT.match(sentence), _REFUSAL.match(sentence), _groups(sentence)
    if absent is None and refusal is None and not groups:
        return None
    kinds = None
    if absent is not None:
        kinds = tuple(name.strip().lower() for name in re.split(r", | and ", absent.group(1).rstrip(".")))
    if refusal is None:
        return Absences(kinds, None, False, groups)
    return Absences(kinds, refusal.group(1), refusal.group(2) is not None, groups)


def unexplained(absences: Absences, reasons: list[str], ledger: Ledger) -> list[str]:
    """Labels of a sentence that are not withheld for the reason given after them, or stand twice in one list."""
    found = _unrefused(absences, reasons, ledger) + _present(absences, ledger)
    for labels, position in absences.groups:
        reason = "" if position is None else reasons[position]
        found += [label for label in labels if not _is_withheld(label, reason, ledger)]
        found += [label for label in set(labels) if labels.count(label) > 1]
    return found


def _unrefused(absences: Absences, reasons: list[str], ledger: Ledger) -> list[str]:
    """What a refusal refuses without being allowed to."""
    subject = absences.subject
    if subject is None:
        return []
    metrics = [f"{prefix}.{SUBJECTS[subject.lower()]}" for prefix in ledger.kinds]
    if ledger.refused is not None and ledger.refused not in metrics:
        return [subject]
    if not absences.has_reason:
        return [subject] if any(metric in ledger.by_id for metric in metrics) else []
    found = [ledger.reasons[metric] for metric in metrics if metric in ledger.reasons]
    return [] if found and reasons[0] in (*found, NEUTRAL_REASON) else [subject]


def states_refused(sentence: str, ledger: Ledger) -> str | None:
    """The metric that a line refuses, where a sentence gives it a value."""
    if ledger.refused is None:
        return None
    named = _VALUED.match(sentence)
    if named is None or SUBJECTS[named.group(1).lower()] != ledger.refused.partition(".")[2]:
        return None
    return named.group(1)


def _present(absences: Absences, ledger: Ledger) -> list[str]:
    """Kinds of which a journal says that there are no records, although something of them is claimed."""
    names = absences.kinds or ()
    return [name for name in names if KIND_NAMES.get(name) is None or KIND_NAMES[name] in ledger.kinds]


def _is_withheld(label: str, reason: str, ledger: Ledger) -> bool:
    columns = LABELS.get(label)
    if columns is None:
        return label == "others"
    found = [why for metric, why in ledger.reasons.items() if metric.partition(".")[2] in columns]
    return bool(found) and (reason in found or reason in ("", NEUTRAL_REASON))


def _groups(sentence: str) -> tuple[tuple[tuple[str, ...], int | None], ...]:
    head = _HEAD.match(sentence)
    if head is None:
        return ()
    groups: list[tuple[tuple[str, ...], int | None]] = []
    reasons, position = 0, head.end()
    while position < len(sentence):
        match = _GROUP.match(sentence, position)
        if match is None:
            # A reason that is not one of the line's own: nothing of the rest is explained by it.
            return (*groups, ((sentence[position:],), None))
        names, reason = match.groups()
        labels = tuple(part.strip().lower() for part in re.split(r", | and ", names.rstrip(".")) if part.strip())
        groups.append((labels, reasons if reason else None))
        reasons += bool(reason)
        position = match.end()
    return tuple(groups)
