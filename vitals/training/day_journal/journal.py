"""The journal of one person's local day: all kinds in one text and one prompt.

Belongs here: the order of the day's text, what is open in it, and the prompt of several records.
Does not belong here: what is said of a kind (`paragraphs`), or questions over several days (`questions`).

    the day -> a paragraph per kind that has data -> kinds without records -> what is provisional, as of when

A prompt longer than its budget loses details by the rules of `fewer_details`, in all kinds alike, then whole
kinds from the end of the text; either is named in the prompt.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from vitals.record_types import RECORD_TYPES
from vitals.training.claims import Claim, rule_of
from vitals.training.common_sentences import day_words
from vitals.training.day_journal.paragraphs import PARAGRAPHS
from vitals.training.fact_row import FactRow
from vitals.training.fewer_details import forms
from vitals.training.narrative import Narrative, listing, phrases
from vitals.training.prompt_words import TOPICS
from vitals.training.prompts import CountTokens, data_block, estimate_tokens
from vitals.training.series_tables import NO_TABLE, Table
from vitals.training.tasks.draft import Draft, with_operands

TASK = "day_journal"

INSTRUCTIONS = phrases(
    "Write a short journal of this local day from the records below.",
    "Put these records of one local day into one factual text.",
    "Summarise this person's local day over all kinds of data given.",
    "State the main facts of this local day, kind by kind, with sources, coverage and limits.",
    "Using only the data given, write the day journal; say what is open and what is not assessable.",
    "Give one compact account of the day from all records below.",
    "As for a clinical note, report this local day kind by kind without interpretation.",
    "What do these records show about the day, and on what basis?",
)
OPENING = phrases("Journal of {day}", "Day journal, {day}", "Journal of the local day {day}")
WITHOUT_RECORDS = phrases("Without records on this day: {kinds}", "The data hold no record of: {kinds}")
PROVISIONAL = phrases(
    "Provisional, more data of this day may still arrive: {parts}",
    "Still open to late data: {parts}",
)
PART_AS_OF = phrases("{kind} (as of {as_of})", "{kind}, as of {as_of}")

NAMES: Mapping[str, str] = {each.kind: each.short_name for each in RECORD_TYPES}
"""What a kind is called where it is only named."""

_LEFT_OUT_KINDS = "Left out, longer than this prompt allows: {kinds}"


class _Form(NamedTuple):
    """The rows a journal is written from, and what they go without."""

    rows: Mapping[str, tuple[FactRow, tuple[str, ...]]]
    dropped: tuple[str, ...]


def journal_draft(
    rows: Mapping[str, FactRow], *, token_budget: int, count_tokens: CountTokens = estimate_tokens
) -> Draft:
    """The journal line of a person's day.

    Args:
        rows: kind -> the person's row of the day; at least one.
        token_budget: tokens its data block may take. The last kind left stays, whatever its length.
        count_tokens: tokens of a text.
    """
    made = None
    for form in _forms({kind: rows[kind] for kind in PARAGRAPHS if kind in rows}):
        made = _draft(form)
        if count_tokens(made.prompt) <= token_budget:
            break
    assert made is not None
    return made


def _forms(rows: Mapping[str, FactRow]) -> Iterator[_Form]:
    """The rows with ever fewer details, then fewer kinds. Most journals need the first form only."""
    yield _Form({kind: (row, ()) for kind, row in rows.items()}, ())
    shorter = {kind: list(forms(row, PARAGRAPHS[kind].kind)) for kind, row in rows.items()}
    depth = max(len(found) for found in shorter.values())
    for level in range(1, depth):
        yield _Form({kind: found[min(level, len(found) - 1)] for kind, found in shorter.items()}, ())
    fewest = [(kind, found[-1]) for kind, found in shorter.items()]
    for kept in range(len(fewest) - 1, 0, -1):
        yield _Form(dict(fewest[:kept]), tuple(kind for kind, _ in fewest[kept:]))


def _draft(form: _Form) -> Draft:
    rows = {kind: row for kind, (row, _) in form.rows.items()}
    first = next(iter(rows.values()))
    narrative = Narrative(f"{TASK}|{first.values['subject_id']}|{first.date}")
    narrative.say(OPENING, day=day_words(first, narrative))
    opening = dict(narrative.claims)
    for kind, row in rows.items():
        paragraph = PARAGRAPHS[kind]
        paragraph.write(row, narrative, paragraph.kind.labels)
    # Every kind says the day anew where it has no total; what stands in the text is the opening's.
    narrative.claims.update(opening)
    absent = [NAMES[kind] for kind in PARAGRAPHS if kind not in rows and kind not in form.dropped]
    if absent:
        narrative.say(WITHOUT_RECORDS, kinds=listing(absent))
    _say_provisional(rows, narrative)
    claims = narrative.claims
    own = _by_prefix(claims)
    blocks = [
        _block(row, own[row.record_type.metric_prefix], left_out=form.rows[kind][1]) for kind, row in rows.items()
    ]
    if absent:
        blocks.append(
            "No records on this day: " + ", ".join(TOPICS[kind] for kind in PARAGRAPHS if NAMES[kind] in absent)
        )
    if form.dropped:
        blocks.append(_LEFT_OUT_KINDS.format(kinds=", ".join(TOPICS[kind] for kind in form.dropped)))
    return Draft(
        task=TASK,
        instruction=narrative.choose(INSTRUCTIONS),
        prompt="\n".join(blocks),
        output=narrative.text(),
        claims=with_operands(claims, claims),
    )


def _block(row: FactRow, claims: Sequence[Claim], *, left_out: Sequence[str]) -> str:
    kind = PARAGRAPHS[row.record_type.kind].kind
    return data_block(row, kind, claims, table=NO_TABLE, coarser=_no_table, budget=0, left_out=left_out)


def _by_prefix(claims: Mapping[str, Claim]) -> Mapping[str, list[Claim]]:
    """Claims by what stands before the dot of their id: the prefix of a kind."""
    found: dict[str, list[Claim]] = defaultdict(list)
    for name, claim in claims.items():
        found[name.partition(".")[0]].append(claim)
    return found


def _no_table(_: int) -> Table:
    return NO_TABLE


def _say_provisional(rows: Mapping[str, FactRow], narrative: Narrative) -> None:
    parts: list[str] = []
    for kind, row in rows.items():
        if not row.values["provisional"]:
            continue
        as_of = _as_of(row)
        name = NAMES[kind]
        parts.append(name if as_of is None else narrative.phrase(PART_AS_OF, kind=name, as_of=as_of))
    if parts:
        narrative.say(PROVISIONAL, parts="; ".join(parts))


def _as_of(row: FactRow) -> Claim | None:
    """As of when a kind's facts stand. Kinds differ in it, so it is a claim of the kind and not of the day."""
    claim = row.as_of()
    if claim is None:
        return None
    name = row.id_of("as_of")
    return Claim(name, name, claim.value, claim.unit, claim.window, claim.n, claim.sources, rule_of("day"))
