"""All lines of a day beside its summary, by the mix.

Belongs here: asking each task for as many lines as the mix draws for this person's day.
Does not belong here: any task.
"""

from vitals.training.tasks.abstention import abstention_drafts
from vitals.training.tasks.ask import Day
from vitals.training.tasks.data_quality import data_quality_draft
from vitals.training.tasks.draft import Draft, PromptWithoutSeries
from vitals.training.tasks.mix import ABSTENTION, DATA_QUALITY, PREFERENCE, QUESTION, TaskMix
from vitals.training.tasks.preferences import preference_drafts
from vitals.training.tasks.questions import question_drafts


def task_drafts(
    day: Day, *, mix: TaskMix, prompt: str, without_series: PromptWithoutSeries, identity: str
) -> list[Draft]:
    """Lines of questions, data quality, abstention and preference.

    Args:
        day: the person's day.
        mix: expected lines of each task.
        prompt: the data block of the day's summary.
        without_series: makes a block of facts from which something was taken out.
        identity: names kind, person and day.
    """
    drafts = question_drafts(day, prompt=prompt, count=mix.lines(QUESTION, identity), identity=identity)
    if mix.lines(DATA_QUALITY, identity):
        drafts.append(data_quality_draft(day, prompt=prompt))
    drafts += abstention_drafts(day, prompt=without_series, count=mix.lines(ABSTENTION, identity), identity=identity)
    drafts += preference_drafts(
        day,
        prompt=prompt,
        without_series=without_series,
        count=mix.lines(PREFERENCE, identity),
        identity=identity,
    )
    return drafts
