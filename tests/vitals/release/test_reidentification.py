import copy
import random
from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import date, timedelta
from functools import cache

import orjson
import pytest

from tests.vitals.release.released_lines import training_lines
from tests.vitals.training.fact_frames import OURA, SAMSUNG, STELO, facts, source
from vitals.release.deidentify import STANDARD, deidentify, released_subject_id
from vitals.release.reidentification import FEWEST_ALIKE, OUTLYING_TIMES, report
from vitals.training.examples import build_examples

PERSONS, DAYS, KEYS = 30, 3, 40


def released(lines, release_id, *, key=b"k", rare=frozenset()):
    """Lines as a release shows them: by their new ids."""
    found = deidentify(lines, STANDARD, key=key, release_id=release_id, rare=rare)
    return sorted(found, key=lambda line: line["id"])


# The report


def line(subject, *, app=STELO, offsets=("-05:00",), value=118.0, metric="glucose.mean", output=""):
    claims = [
        {"id": metric, "metric": metric, "value": value, "unit": "mg/dL", "window": "2025-03-03", "sources": [app]}
    ]
    claims += [
        {
            "id": f"day#offset_{i}",
            "metric": "day",
            "value": None,
            "text": o,
            "unit": "UTC offset",
            "window": "2025-03-03",
            "sources": [],
        }
        for i, o in enumerate(offsets)
    ]
    metadata = {"subject_id": subject, "claims": claims}
    return {"input": "", "instruction": "", "output": output, "metadata": metadata}


def test_persons_examples_and_the_greatest_share_are_counted():
    lines = [line("a")] * 6 + [line("b")] * 3 + [line("c")]
    found = report(lines, age_buckets={})
    assert (found.persons, found.examples, found.top_person_share) == (3, 10, 0.6)


def test_a_person_with_many_times_the_median_of_examples_is_an_outlier_and_one_just_below_is_not():
    crowd = [line(f"p{i}") for i in range(5)]
    assert report([*crowd, *[line("x")] * OUTLYING_TIMES], age_buckets={}).outliers == []
    (outlier,) = report([*crowd, *[line("x")] * (OUTLYING_TIMES + 1)], age_buckets={}).outliers
    assert (outlier.subject_id, outlier.examples, outlier.share) == ("x", 6, round(6 / 11, 4))


@pytest.mark.parametrize("how", ["source", "offset", "age"])
def test_who_differs_in_source_offset_or_age_stands_alone(how):
    lines = [line(f"p{i}") for i in range(FEWEST_ALIKE)]
    odd = {"source": {"app": OURA}, "offset": {"offsets": ("+09:00",)}, "age": {}}[how]
    ages = {"x": "90+"} if how == "age" else {}
    found = report([*lines, line("x", **odd)], age_buckets=ages)
    assert found.smallest_group == 1
    assert found.groups == {1: 1, FEWEST_ALIKE: 1}
    assert found.conspicuous == ["x"]


def test_a_group_of_the_bound_is_not_conspicuous_and_one_fewer_is():
    assert report([line(f"p{i}") for i in range(FEWEST_ALIKE)], age_buckets={}).conspicuous == []
    few = report([line(f"p{i}") for i in range(FEWEST_ALIKE - 1)], age_buckets={})
    assert len(few.conspicuous) == few.smallest_group == FEWEST_ALIKE - 1


def test_rare_and_unlisted_apps_are_alike():
    found = report(
        [line("a", app="rare.app.a"), line("b", app="rare.app.b"), line("c", app="rare.app.a")], age_buckets={}
    )
    assert found.groups == {3: 1}


def test_extremes_are_named_by_rank_only_and_shared_ones_not_at_all():
    lines = [line("a", value=64.123), line("b", value=222.717), line("b", value=64.123), line("c", value=100.0)]
    found = report(lines, age_buckets={})
    assert [(e.subject_id, e.metric, e.rank) for e in found.extremes] == [("b", "glucose.mean", "highest")]
    assert "222" not in orjson.dumps(asdict(found), option=orjson.OPT_NON_STR_KEYS).decode()


def test_a_metric_of_one_person_has_no_extremes():
    assert report([line("a", value=1.0), line("a", value=2.0)], age_buckets={}).extremes == []


def test_a_day_whose_offset_changed_is_reported_for_its_true_date_is_public():
    found = report([line("a"), line("b", offsets=("-05:00", "-04:00"))], age_buckets={})
    assert found.clock_changes == ["b"]


def test_lines_with_a_canary_are_counted_whatever_characters_it_has():
    canaries = ["anna@example.org", 'quo"te', "back\\slash", "ünï"]
    lines = [line("a", output=f"x{canary}y") for canary in canaries] + [line("b", output="anna")]
    assert report(lines, age_buckets={}, canaries=canaries).canary_hits == 4
    assert report(lines, age_buckets={}).canary_hits == 0


def test_nobody_has_a_report_of_nobody():
    found = report([], age_buckets={})
    assert (found.persons, found.examples, found.smallest_group, found.top_person_share) == (0, 0, 0, 0.0)


def test_the_report_does_not_hang_on_the_order_of_lines():
    lines = released(training_lines(6, 2, seed=1, kinds=("steps", "heart_rate")), "demo/1")
    shuffled = copy.copy(lines)
    random.Random(3).shuffle(shuffled)
    assert report(lines, age_buckets={}) == report(shuffled, age_buckets={})


def test_rare_apps_left_in_make_smaller_groups_than_rare_apps_taken_out():
    rows = [
        {"subject_id": f"p{i}", "recommended_total": 5120.0, "sources": [source(app, value=5120.0)]}
        for i, app in enumerate([SAMSUNG] * 6 + [f"com.example.own{i}" for i in range(6)])
    ]
    lines = [orjson.loads(x) for x in build_examples("steps", facts("steps", rows), tenant="t", processor_version="1")]
    rare = frozenset(f"com.example.own{i}" for i in range(6))
    assert report(released(lines, "a/1"), age_buckets={}).smallest_group == 1
    assert report(released(lines, "a/1", rare=rare), age_buckets={}).smallest_group == 6


# Linkage: someone holds two releases, or a release and plain data, and wants to say who is who


@cache
def cohort():
    """Persons with the same days, so that only ids, dates and order could tell them apart."""
    lines = training_lines(PERSONS, DAYS, seed=7, kinds=("steps",))
    return [each for each in lines if each["metadata"]["task"] == "daily_summary"]


@cache
def two_releases(number):
    """The cohort in two releases of one installation, whose key has this number."""
    return tuple(released(cohort(), release_id, key=f"key {number}".encode()) for release_id in ("demo/1", "demo/2"))


def people(lines):
    """Pseudonyms in the order of first appearance, with the first date of each."""
    first = {}
    for each in lines:
        metadata = each["metadata"]
        first[metadata["subject_id"]] = min(metadata["local_date"], first.get(metadata["subject_id"], "9999"))
    return first


def truth(key, release_id):
    return {
        released_subject_id(old, key=key, release_id=release_id): old
        for old in {each["metadata"]["subject_id"] for each in cohort()}
    }


def by_order(ours, theirs):
    return dict(zip(people(ours), people(theirs), strict=True))


def by_order_of_ids(ours, theirs):
    return dict(zip(sorted(people(ours)), sorted(people(theirs)), strict=True))


def by_nearest_first_date(ours, theirs):
    candidates = people(theirs)
    return {
        mine: min(candidates, key=lambda each: abs(_day(candidates[each]) - _day(day)))
        for mine, day in people(ours).items()
    }


def by_rank_of_first_date(ours, theirs):
    ranked = [sorted(first, key=lambda each: (first[each], each)) for first in (people(ours), people(theirs))]
    return dict(zip(*ranked, strict=True))


def by_digests_in_common(ours, theirs):
    """Persons of whom any string of 16 hexadecimal digits or more stands in both releases."""

    def digests(lines):
        found = defaultdict(set)
        for each in lines:
            metadata = each["metadata"]
            found[metadata["subject_id"]] |= {each["id"], metadata["trace_id"], metadata["subject_id"]}
            found[metadata["subject_id"]] |= set(metadata["source_s3_keys_sha256"])
        return found

    mine, others = digests(ours), digests(theirs)
    return {one: other for one in mine for other in others if mine[one] & others[other]}


def _day(text):
    return date.fromisoformat(text)


def hits(attack):
    """Right guesses of an attack over many pairs of releases under different keys."""
    right = 0
    for number in range(KEYS):
        key = f"key {number}".encode()
        ours, theirs = two_releases(number)
        mine, others = truth(key, "demo/1"), truth(key, "demo/2")
        right += sum(mine[one] == others[other] for one, other in attack(ours, theirs).items())
    return right


# An attack that guesses by chance is right once per pair of releases. Over KEYS pairs that is Poisson with mean KEYS;
# four of its standard deviations above, it would be better than chance once in some ten thousand choices of keys.
NO_BETTER_THAN_CHANCE = KEYS + 4 * KEYS**0.5


@pytest.mark.parametrize(
    "attack", [by_order, by_order_of_ids, by_nearest_first_date, by_rank_of_first_date, by_digests_in_common]
)
def test_ids_dates_and_order_link_two_releases_no_better_than_chance(attack):
    assert hits(attack) <= NO_BETTER_THAN_CHANCE


def test_the_attacks_would_succeed_on_two_releases_that_share_their_secrets():
    ours = released(cohort(), "demo/1")
    for attack in (by_order, by_order_of_ids, by_rank_of_first_date, by_digests_in_common):
        assert all(one == other for one, other in attack(ours, ours).items())


def test_who_knows_the_true_days_of_a_person_finds_none_of_them_and_guesses_the_shift_by_chance():
    days = {each["metadata"]["local_date"] for each in cohort()}
    shifts = Counter()
    for number in range(KEYS):
        lines, _ = two_releases(number)
        assert not days & {each["metadata"]["local_date"] for each in lines}
        for first in people(lines).values():
            shifts[(_day(min(days)) - _day(first)) // timedelta(weeks=1)] += 1
    # The best single guess is right for about one in 104 of the persons.
    assert max(shifts.values()) / sum(shifts.values()) < 0.03


def test_what_is_not_hidden_values_link_every_person_between_releases():
    """Values are what the data set is for. Whoever knows some of a person's values finds the person."""

    def values(lines):
        found = defaultdict(list)
        for each in lines:
            numbers = [c["value"] for c in each["metadata"]["claims"] if c["value"] is not None]
            found[each["metadata"]["subject_id"]].append(numbers)
        return {subject: sorted(map(str, numbers)) for subject, numbers in found.items()}

    ours, theirs = released(cohort(), "demo/1"), released(cohort(), "demo/2")
    mine, others = values(ours), values(theirs)
    right = 0
    for one, numbers in mine.items():
        same = [other for other, theirs in others.items() if theirs == numbers]
        right += len(same) == 1 and truth(b"k", "demo/1")[one] == truth(b"k", "demo/2")[same[0]]
    assert right > 0.9 * PERSONS


def test_what_is_not_hidden_the_pattern_of_a_persons_days_and_the_offsets():
    """Weekdays, gaps and offsets are kept, so a person with days of their own can be found by them."""

    def pattern(lines):
        found = defaultdict(set)
        for each in lines:
            found[each["metadata"]["subject_id"]].add(_day(each["metadata"]["local_date"]))
        return {
            subject: (min(days).weekday(), tuple(sorted(day - min(days) for day in days)))
            for subject, days in found.items()
        }

    lines = [each for each in cohort() if not _is_odd(each)]
    ours, theirs = pattern(released(lines, "demo/1")), pattern(released(lines, "demo/2"))
    (odd,) = [one for one, days in ours.items() if len(days[1]) < DAYS]
    (found,) = [other for other, days in theirs.items() if days == ours[odd]]
    assert truth(b"k", "demo/1")[odd] == truth(b"k", "demo/2")[found]


def _is_odd(each):
    """Whether a line is of the one day that one person lacks."""
    metadata = each["metadata"]
    subjects = sorted({one["metadata"]["subject_id"] for one in cohort()})
    days = sorted({one["metadata"]["local_date"] for one in cohort()})
    return metadata["subject_id"] == subjects[0] and metadata["local_date"] == days[1]
