"""Whoever adds up the parts that a line shows gets the whole that it shows: in texts, facts of prompts and tables.

Belongs here: numbers read back from finished lines and added up. Does not belong here: rounding itself.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.vitals.training.fact_frames import DAY, OURA, SAMSUNG, STELO, at, facts, source
from vitals.record_types import BY_KIND
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.fact_row import fact_rows
from vitals.training.rounding import round_half_up
from vitals.training.tasks.mix import TaskMix
from vitals.verification.answerability.evaluator import insufficient
from vitals.verification.grounding.check import ungrounded
from vitals.verification.grounding.sums import not_adding_up

MIX = TaskMix(daily_summary=1, question=12, data_quality=1, abstention=0, preference=0)
NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
FEW = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])

SECONDS = st.integers(0, 4 * 3600)
HALVES = st.integers(0, 480).map(lambda n: 30 * n)
THIRDS = st.integers(0, 720).map(lambda n: 20 * n)


def lines_of(kind: str, rows: list[dict[str, Any]], mix: TaskMix = MIX) -> list[dict[str, Any]]:
    frame = facts(kind, [{"subject_id": f"subject-{i:03d}"} | row for i, row in enumerate(rows)])
    lines = [orjson.loads(line) for line in build_examples(kind, frame, tenant="t", processor_version="0", mix=mix)]
    journal = build_journal({kind: frame}, local_day=DAY, tenant="t", processor_version="0")
    lines += [each for line in journal if (each := orjson.loads(line))["metadata"]["task"] == "day_journal"]
    for line in lines:
        assert ungrounded(line) == []
        assert insufficient(line) == []
    return lines


def summaries_of(kind: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The summary of each row, in their order."""
    lines = lines_of(kind, rows, TaskMix(question=0, data_quality=0, abstention=0, preference=0))
    return [line for line in lines if line["metadata"]["task"] == "daily_summary"]


def number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def found(pattern: str, text: str) -> Decimal | None:
    """The first number that a pattern finds, any of its groups."""
    match = re.search(pattern.replace("#", NUMBER), text, re.IGNORECASE)
    return None if match is None else number(next(group for group in match.groups() if group))


def facts_in(prompt: str) -> dict[str, Decimal]:
    """Facts of a prompt with a number first, by name; of a nap the time asleep."""
    shown: dict[str, Decimal] = {}
    for name, value in re.findall(rf"^([^:\n]+): {NUMBER}", prompt, re.MULTILINE):
        shown[name] = number(value)
    for name, value in re.findall(rf"^(nap, no\. \d): .*asleep {NUMBER} min", prompt, re.MULTILINE):
        shown[name] = number(value)
    return shown


def runs_in(prompt: str) -> dict[str, Decimal]:
    """Minutes of each stage in the table of a prompt."""
    table = prompt.partition("stage runs by local hour")[2].partition("\n")[2]
    sums: dict[str, Decimal] = {}
    for stage, minutes in re.findall(rf"\d\d (light|deep|REM|awake|sleeping|unscored) {NUMBER}", table):
        sums[stage] = sums.get(stage, Decimal(0)) + number(minutes)
    return sums


def stages_of(seconds: Mapping[str, int], pieces: int) -> list[dict[str, Any]]:
    """Stage runs, each stage cut into pieces of whole seconds."""
    clock, runs = pl.Series([at(22, days=-1)]).dt.timestamp("ms")[0], []
    for piece in range(pieces):
        for stage, length in seconds.items():
            own = length * (piece + 1) // pieces - length * piece // pieces
            if own:
                runs.append((clock, clock + 1000 * own, stage))
                clock += 1000 * own
    return [
        {"start_local": pl.Series([a]).cast(pl.Datetime("ms"))[0], "end_local": pl.Series([b]).cast(pl.Datetime("ms"))[0], "stage": s}
        for a, b, s in runs
    ]  # fmt: skip


def night(light: int, deep: int, rem: int, awake: int, unscored: int, naps: list[int], pieces: int) -> dict[str, Any]:
    """A night that begins with sleep and ends with it, of seconds."""
    tst = light + deep + rem
    minutes = {"light": light / 60, "deep": deep / 60, "rem": rem / 60}
    return {
        "session_start_local": at(22, days=-1),
        "session_end_local": at(9),
        "session_app": OURA,
        "onset_local": at(22, days=-1),
        "staged": True,
        "tst": tst / 60,
        "waso": awake / 60,
        "unscored": unscored / 60,
        "sol": 0.0,
        "tib": (tst + awake + unscored) / 60,
        **minutes,
        **({f"pct_{name}": 100 * value / (tst / 60) for name, value in minutes.items()} if tst else {}),
        "n_sessions": 1 + len(naps),
        "total_tst_all_sessions": (tst + sum(naps)) / 60,
        "naps": [{"start_local": at(11 + k), "end_local": at(11 + k, 50), "tst_minutes": nap / 60} for k, nap in enumerate(naps)],
        "sources": [source(OURA, n=1 + len(naps), value=tst / 60), source(SAMSUNG, used=False, n=1, value=411.25)],
        "stages": stages_of({"LIGHT": light, "DEEP": deep, "REM": rem, "AWAKE": awake, "UNKNOWN": unscored}, pieces),
    }  # fmt: skip


NIGHTS = st.one_of(
    *(
        st.tuples(each, each, each, each, st.one_of(st.just(0), each), st.lists(HALVES, max_size=3), st.integers(1, 4))
        for each in (SECONDS, HALVES, THIRDS)
    )
)


def total_shown(shown: Mapping[str, Decimal], parts: tuple[str, ...]) -> Decimal | None:
    return sum((shown[part] for part in parts), Decimal(0)) if set(parts) <= shown.keys() else None


@FEW
@given(st.lists(NIGHTS, min_size=3, max_size=6))
def test_stages_add_up_to_the_sleep_and_sleep_and_wake_to_the_session(nights: list[tuple[Any, ...]]) -> None:
    for line in lines_of("sleep", [night(*each) for each in nights]):
        text, prompt = line["output"], line["input"]
        asleep = found(r"total sleep # min|asleep for # min|# min asleep", text.partition(" nap")[0])
        parts = [found(rf"{name} # min", text) for name in ("light", "deep", "REM")]
        if line["metadata"]["task"] == "daily_summary":
            assert None not in parts
            assert sum(part for part in parts if part) == asleep
            shares = re.findall(rf"min(?: \(|, ){NUMBER} %(?:\)| of sleep)", text)
            assert sum(map(number, shares)) in ({100} if asleep or shares else {0})
            naps = [
                number(a or b) for a, b in re.findall(rf"nap \S+ with {NUMBER} min asleep|nap \S+, {NUMBER} min asleep", text)
            ]  # fmt: skip
            total = found(r"# min asleep over all|all sessions together # min asleep", text)
            if naps:
                assert total == (asleep or 0) + sum(naps)
        if line["metadata"]["task"] in {"daily_summary", "day_journal"}:
            awake = found(r"# min awake within|awake for # min within|# min of wake after onset", text)
            unscored = found(r"# min unscored|# min without a score", text) or Decimal(0)
            session = found(r"# min elapsed|# min from start to end", text)
            assert session == (asleep or 0) + (awake or 0) + unscored
        shown = facts_in(prompt)
        whole = total_shown(shown, ("light", "deep", "REM"))
        assert whole is None or whole == shown["asleep"]
        for stage, minutes in runs_in(prompt).items():
            assert minutes == shown.get("awake after onset" if stage == "awake" else stage, minutes)


@FEW
@given(st.lists(st.tuples(*[st.integers(0, 97)] * 6), min_size=4, max_size=8))
def test_ranges_of_glucose_add_up_to_all_readings(days: list[tuple[int, ...]]) -> None:
    rows = []
    for counts in days:
        n = sum(counts)
        if not n:
            continue
        below54, below70, tight, wide, above180, above250 = (100 * count / n for count in counts)
        rows.append(
            {
                "n": n,
                "wear_percent": 92.0,
                "sampling_interval_minutes": 5,
                "pct_below_54": below54,
                "pct_below_70": below54 + below70,
                "pct_70_140": tight,
                "pct_70_180": tight + wide,
                "pct_above_180": above180 + above250,
                "pct_above_250": above250,
                "sources": [source(STELO, n=n)],
            }
        )
    for line in lines_of("blood_glucose", rows) if rows else []:
        shares = {
            name: found(pattern, line["output"])
            for name, pattern in {
                "below": "# % (?:below|under) 70 mg",
                "in": "# % (?:were|lay at) 70-180 mg",
                "above": "# % (?:above|over) 180 mg",
                "tight": "# % (?:were|lay at) 70-140 mg",
            }.items()
        }
        if line["metadata"]["task"] == "daily_summary":
            assert sum(shares[name] or 0 for name in ("below", "in", "above")) == 100
            assert (shares["tight"] or 0) <= (shares["in"] or 0)
        total = total_shown(
            facts_in(line["input"]), ("readings below 70 mg/dL", "readings 70-180 mg/dL", "readings above 180 mg/dL")
        )
        assert total in {None, 100}


ZONES = (
    *("zone_very_light_lt57", "zone_light_57_64", "zone_moderate_64_77", "zone_vigorous_77_96", "zone_near_max_ge96"),
)


@FEW
@given(st.lists(st.lists(st.integers(0, 17_000), min_size=5, max_size=5), min_size=3, max_size=6))
def test_zones_add_up_to_the_time_that_they_share_out(days: list[list[int]]) -> None:
    rows = [
        {"n": 700, "coverage_percent": 71.3, "mean_time_weighted": 70.0, "sources": [source(SAMSUNG)]}
        | {zone: seconds / 60 for zone, seconds in zip(ZONES, day, strict=True)}
        for day in days
    ]
    for row, line in zip(rows, summaries_of("heart_rate", rows), strict=True):
        total = sum(row[zone] for zone in ZONES)
        zones = re.findall(rf"{NUMBER} (?:below|at) \d\d %|{NUMBER} at \d\d to under", line["output"])
        written = [number(a or b) for a, b in zones]
        assert len(written) == 5
        places = max(-int(each.as_tuple().exponent) for each in written)
        values = [
            float(each)
            for name, each in facts_in(line["input"]).items()
            if name.startswith("minutes ") and "sample" not in name
        ]
        assert abs(sum(values) - total) < 0.03
        assert float(sum(written)) == pytest.approx(round_half_up(round(sum(values), 2), places))  # fmt: skip


@FEW
@given(st.lists(st.tuples(st.integers(0, 1440), st.integers(0, 1440)), min_size=4, max_size=8))
def test_time_covered_and_the_longest_gap_fit_into_the_day(days: list[tuple[int, int]]) -> None:
    rows = [
        {
            "n": 200,
            "wear_percent": 100 * (1440 - missing) / 1440,
            "longest_gap_minutes": float(min(gap, missing)),
            "longest_gap_start_local": at(3),
            "longest_gap_end_local": at(5),
            "sampling_interval_minutes": 5,
            "sources": [source(STELO)],
        }
        for missing, gap in days
    ]
    for line in summaries_of("blood_glucose", rows):
        head = line["output"].partition(". ")[0]
        wear = found(r"# % wear|wear # %|possible readings \(# %", head)
        gap = found(r"gap # min|was # min|for # min", head)
        if wear is not None and gap is not None:
            # The last decimal that texts have is less than a tenth of a minute of a day.
            assert wear * 1440 / 100 + gap <= 1440 + Decimal("0.072")


@pytest.mark.parametrize(
    ("claims", "whole"),
    [
        ({"sleep.light": 245.5, "sleep.deep": 45.5, "sleep.rem": 91.0, "sleep.tst": 382.0}, "sleep.tst"),
        ({"sleep.tst": 400.5, "sleep.waso": 20.5, "sleep.unscored": 0.0, "sleep.tib": 421.0}, "sleep.tib"),
        ({"sleep.pct_light": 33.5, "sleep.pct_deep": 33.5, "sleep.pct_rem": 33.0}, "sleep.pct_light"),
        ({"glucose.pct_70_180": 95.5, "glucose.pct_above_180": 4.5}, "glucose.pct_70_180"),
        ({"glucose.wear_percent": 92.71, "glucose.longest_gap_minutes": 105.0}, "glucose.wear_percent"),
        ({"sleep.tst": 400.5, "sleep.nap#1:tst": 30.5, "sleep.total_tst_all_sessions": 431.0}, "sleep.total_tst_all_sessions"),
    ],
)  # fmt: skip
def test_parts_rounded_one_by_one_are_refused_and_exact_ones_are_not(claims: dict[str, float], whole: str) -> None:
    def by_id(decimals: int) -> dict[str, dict[str, Any]]:
        return {name: {"value": value, "decimals": decimals, "window": f"{DAY}"} for name, value in claims.items()}

    assert list(not_adding_up(by_id(0))) == [whole]
    assert list(not_adding_up(by_id(1))) == []
    assert list(not_adding_up({name: claim for name, claim in by_id(0).items() if name != next(iter(claims))})) == []


def test_a_line_whose_stages_do_not_add_up_is_ungrounded() -> None:
    (line,) = summaries_of("sleep", [night(245 * 60 + 30, 45 * 60 + 30, 91 * 60, 60, 0, [], 1)])
    assert "245.5 min" in line["output"]
    for claim in line["metadata"]["claims"]:
        if claim["id"] in {"sleep.light", "sleep.deep"}:
            claim["decimals"] = 0
    line["output"] = line["output"].replace("245.5 min", "246 min").replace("45.5 min", "46 min")
    assert [each.span for each in ungrounded(line)] == ["sleep.tst"]


def test_a_number_is_written_alike_in_all_lines_of_a_day() -> None:
    lines = lines_of("sleep", [night(245 * 60 + 30, 45 * 60 + 30, 91 * 60, 61, 0, [], 1)])
    asked = [line for line in lines if line["metadata"]["question"] in {"deep", "asleep", "stages_compared"}]
    assert asked
    assert all("45.5" in line["output"] or "382" in line["output"] for line in asked)
    compared = [line["output"] for line in asked if line["metadata"]["question"] == "stages_compared"]
    assert all("45.5 min longer" in text for text in compared)


@given(st.lists(NIGHTS, min_size=1, max_size=4))
@FEW
def test_no_part_is_a_hundredth_away_from_its_fact(nights: list[tuple[Any, ...]]) -> None:
    frame = facts("sleep", [night(*each) for each in nights])
    for position, row in enumerate(fact_rows(BY_KIND["sleep"], frame)):
        for column in ("tib", "tst", "waso", "light", "deep", "rem"):
            claim = row.claim(column)
            exact = frame[column][position]
            assert claim is None or abs(float(claim.value) - exact) < 0.01 + 1e-9


NAPS = [
    [(13, 20.0)],
    [(13, 25.5), (16, 40.5)],
    [(2, 20.0), (12, 70.33), (19, 33.34)],
    [(11, None)],
    [(10, 20.0), (12, 21.0), (14, 22.0), (16, 23.0)],
]


@pytest.mark.parametrize("naps", NAPS)
def test_a_day_with_naps_only_has_no_main_sleep_and_says_so(naps: list[tuple[int, float | None]]) -> None:
    known = [minutes for _, minutes in naps if minutes is not None]
    row = {
        "naps": [{"start_local": at(hour), "end_local": at(hour + 1, 15), "tst_minutes": m} for hour, m in naps],
        "n_sessions": len(naps),
        "total_tst_all_sessions": sum(known) if known else None,
        "sources": [source(OURA, n=len(naps))],
    }
    people = [row | {"subject_id": f"subject-{k}"} for k in range(12)]
    frame = facts("sleep", people, reason="no main sleep ends on this day")
    lines = [*build_examples("sleep", frame, tenant="t", processor_version="0", mix=MIX)]
    lines += build_journal({"sleep": frame}, local_day=DAY, tenant="t", processor_version="0")
    for line in map(orjson.loads, lines):
        assert ungrounded(line) == []
        assert insufficient(line) == []
        text = line["output"].lower()
        assert re.findall(r"(\S+) main sleep", text.replace("no main sleep", "")) in ([], ["the"], ["apart"])
        assert "main sleep session" not in text.replace("no main sleep session", "") or "not" in text
        if line["metadata"]["task"] in {"daily_summary", "day_journal"}:
            assert "no main sleep" in text
            assert "main session" not in line["input"].lower()
