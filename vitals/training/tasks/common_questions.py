"""Questions that every kind has: sources, the longest gap, what is missing, whether the day is closed.

Belongs here: what is asked of the record itself rather than of the person.
Does not belong here: questions of one kind.
"""

from vitals.training.common_sentences import app_words
from vitals.training.day_totals import is_bound
from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import say_not_assessable
from vitals.training.prompt_words import TOPICS
from vitals.training.tasks.ask import Answer, Day, Question, first_of, side, states, unit

_ONE_USED = phrases(
    "The source used for the {topic} of {date} was {apps}",
    "The {topic} of {date} rests on data of {apps}",
    "For the {topic} of {date} data of {apps} were used",
)
_SEVERAL_USED = phrases(
    "The sources used for the {topic} of {date} were {apps}",
    "The {topic} of {date} rests on data of {apps}",
)
_NONE_USED = phrases(
    "For the {topic} of {date} no source was used",
    "No source was used for the {topic} of {date}",
)
_UNUSED = phrases(
    "{apps} also delivered data for the day, which were not used",
    "Present and not used: {apps}",
    "Data of {apps} were present too and were not used",
)
_FURTHER_UNUSED = phrases(
    "Further sessions of {apps} were present and not used",
    "Not used were further sessions of {apps}",
)
_ONLY = phrases("Data of another source were not present", "This was the only source present")
_ONLY_THESE = phrases("Data of a further source were not present", "These were the only sources present")
_INCOMPLETE = phrases(
    "Not every metric of {date} can be stated",
    "For {date} some metrics cannot be stated",
)
_PROVISIONAL_AS_OF = phrases(
    "No: as of {as_of} the data of {date} were provisional, and later uploads may add to them",
    "No, the data of {date} were provisional as of {as_of}; more may arrive",
)
_PROVISIONAL = phrases(
    "No: the data of {date} are provisional, and later uploads may add to them",
    "No, the data of {date} are provisional; more may arrive",
)
_CLOSED = phrases(
    "Yes: the data of {date} are closed, and no further uploads are awaited",
    "Yes, the data of {date} are closed; no more are awaited",
)


def _sources(day: Day, narrative: Narrative) -> bool:
    topic = TOPICS[day.row.record_type.kind]
    used = day.row.names
    if used:
        wording = _ONE_USED if len(used) == 1 else _SEVERAL_USED
        narrative.say(wording, topic=topic, date=day.date, apps=app_words(used))
    else:
        narrative.say(_NONE_USED, topic=topic, date=day.date)
    unused = list(dict.fromkeys(source["name"] for source in day.row.others))
    others = [name for name in unused if name not in used]
    if others:
        narrative.say(_UNUSED, apps=app_words(others))
    if len(others) < len(unused):
        # A nap of an app may count whose night does not.
        narrative.say(_FURTHER_UNUSED, apps=app_words(name for name in unused if name not in others))
    if not unused and used:
        narrative.say(_ONLY if len(used) == 1 else _ONLY_THESE)
    return True


def _missing(day: Day, narrative: Narrative) -> bool:
    before = len(narrative.sentences)
    narrative.say(_INCOMPLETE, date=day.date)
    say_not_assessable(day.row, narrative, day.kind.labels)
    if len(narrative.sentences) == before + 2:
        return True
    del narrative.sentences[before:]
    return False


def _state(day: Day, narrative: Narrative) -> bool:
    row = day.row
    if not row.values["provisional"]:
        if "lower_bound" in row.values and is_bound(row):
            return False
        narrative.say(_CLOSED, date=day.date)
        return True
    as_of = row.as_of()
    if as_of is None:
        narrative.say(_PROVISIONAL, date=day.date)
    else:
        narrative.say(_PROVISIONAL_AS_OF, date=day.date, as_of=as_of)
    return True


SOURCES = Question(
    name="sources",
    ask=phrases(
        "Which source was used for {date}, and which was present but not used?",
        "On which app's data does this record of {date} rest?",
        "Name the sources of {date}: used and not used.",
        "Whose data were used on {date}?",
    ),
    answer=_sources,
    open_day=False,
)
MISSING = Question(
    name="missing",
    ask=phrases(
        "What cannot be stated for {date}, and why?",
        "Which metrics of {date} are not assessable, and for what reason?",
        "What is missing from the record of {date}, and why is it missing?",
        "Name what these data of {date} leave open, with the reason.",
    ),
    answer=_missing,
    open_day=False,
)
STATE = Question(
    name="state",
    ask=phrases(
        "Are the data of {date} final?",
        "Is the day {date} closed, or may more data arrive?",
        "Are the figures of {date} final, with no later uploads awaited?",
    ),
    answer=_state,
    open_day=False,
)


def _no_gap(when: str) -> Answer:
    """Says that readings followed each other without a loss, where they did; then there is nothing to measure."""
    timed = states(
        f"There was no gap of more than one sampling interval ({{every}} min) in the data {when} {{date}}",
        f"The data {when} {{date}} have no gap of more than one sampling interval ({{every}} min)",
        every="sampling_interval_minutes",
    )
    untimed = states(f"There was no gap in the data {when} {{date}}", f"The data {when} {{date}} have no gap")

    def answer(day: Day, narrative: Narrative) -> bool:
        gap = day.claim("longest_gap_minutes")
        if gap is None or gap.value != 0:
            return False
        narrative.claims[gap.id] = gap
        return timed(day, narrative) or untimed(day, narrative)

    return answer


def _gap(when: str) -> Answer:
    words = {"side": side("longest", "longest_gap_minutes"), "unit": unit("min", "longest_gap_minutes")}
    return first_of(
        _no_gap(when),
        states(
            f"The {{side}} gap {when} {{date}} was {{gap}} {{unit}}, from {{start}} to {{end}} local time",
            f"From {{start}} to {{end}} local time there were no data {when} {{date}}:"
            " the {side} gap, {gap} {unit}",
            words=words,
            gap="longest_gap_minutes",
            start="longest_gap_minutes#start",
            end="longest_gap_minutes#end",
        ),
        # The end of a gap at the end of an open day is not known.
        states(
            f"The {{side}} gap {when} {{date}} was {{gap}} {{unit}}, from {{start}} local time on",
            f"From {{start}} local time on there were no data {when} {{date}}: the {{side}} gap, {{gap}} {{unit}}",
            words=words,
            gap="longest_gap_minutes",
            start="longest_gap_minutes#start",
        ),
        states(
            f"The {{side}} gap {when} {{date}} was {{gap}} {{unit}}",
            f"The {{side}} stretch without data {when} {{date}} was {{gap}} {{unit}}",
            words=words,
            gap="longest_gap_minutes",
        ),
    )


def _longest_gap(when: str) -> Question:
    return Question(
        name="longest_gap",
        ask=phrases(
            f"What was the longest gap in the data {when} {{date}}?",
            f"How long was the longest stretch without data {when} {{date}}?",
            f"Name the longest interruption of the data {when} {{date}}.",
        ),
        answer=_gap(when),
        metric="longest_gap_minutes",
        subject="the longest gap",
        hides=("longest_gap_minutes", "longest_gap_start_local", "longest_gap_end_local"),
    )


GAP_OF_DAY, GAP_OF_NIGHT = _longest_gap("on"), _longest_gap("in the night ending on")
