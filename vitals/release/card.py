"""The dataset card: README.md with Hugging Face front matter.

Belongs here: the front matter (licence, configurations, splits) and what a reader must know before training.
Does not belong here: counting (`statistics`) or drawing (`plots`).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from vitals.release.cases import CASE_SAYS
from vitals.release.formats import FORMATS
from vitals.release.licences import Licence
from vitals.release.plots import PLOTS
from vitals.release.spec import SIDES, ReleaseSpec
from vitals.release.splits import wanted_sides
from vitals.release.writing import data_path, ids_path
from vitals.training.rounding import write_rounded

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Hugging Face's classes of size, by their exclusive upper bound."""

PROFILES: Mapping[str, str] = {
    "none": "**None.** Dates, source apps and pseudonyms are those of the training lake. Treat it as personal data.",
    "standard": (
        "`standard`: dates of each person shifted by a secret number of whole weeks (weekday, local clock and gaps "
        "kept; the season may move), a last stretch of each person left out whose length is secret, no days that were "
        "still open, rare apps and devices generalised, ages in classes, pseudonyms and ids of this release. The values "
        "themselves are not changed: they identify a person to somebody who has other data of theirs, another version "
        "of this release included."
    ),
}


def says(format_name: str) -> str:
    """What a format is, in words."""
    return CASE_SAYS if format_name == "case" else FORMATS[format_name].says  # type: ignore[index]


def card(
    spec: ReleaseSpec,
    statistics: Mapping[str, Any],
    fates: Mapping[str, int],
    rows: Mapping[str, Mapping[str, int]],
    *,
    has_journals: bool = True,
) -> str:
    """The text of README.md.

    Args:
        spec: what was asked for.
        statistics: `Statistics.as_json`.
        fates: number of lines that were read, by fate.
        rows: format to side to number of records; a side without records has no file.
        has_journals: whether the monthly files of whole lines are there.
    """
    body = _body(spec, statistics, fates, rows, has_journals=has_journals)
    return "\n".join([*_front_matter(spec, statistics, rows), *body]) + "\n"


def _front_matter(spec: ReleaseSpec, statistics: Mapping[str, Any], rows: Mapping[str, Mapping[str, int]]) -> list[str]:
    size = next((name for bound, name in SIZES if statistics["examples"] < bound), "n>1M")
    lines = [
        "---",
        *_licence(spec.licence),
        f"pretty_name: {_quoted(f'{spec.name} {spec.version}')}",
        "language:",
        "- en",
        "task_categories:",
        "- text-generation",
        "- question-answering",
        "tags:",
        "- health",
        "- wearables",
        "- grounded",
        "size_categories:",
        f"- {_quoted(size)}",
        "configs:",
    ]
    for format_name, by_side in rows.items():
        if by_side:
            lines += _config(format_name, format_name, by_side, data_path, is_default=format_name == next(iter(rows)))
    for format_name, by_side in rows.items():
        if by_side:
            lines += _config(f"{format_name}_ids", format_name, by_side, ids_path, is_default=False)
    return [*lines, "---", ""]


def _licence(licence: Licence) -> list[str]:
    lines = [f"license: {_quoted(licence.identifier)}"]
    lines += [f"license_name: {_quoted(licence.name)}"] if licence.name else []
    return lines + ([f"license_link: {_quoted(licence.link)}"] if licence.link else [])


def _config(
    name: str,
    format_name: str,
    by_side: Mapping[str, int],
    path_of: Callable[[str, str, str], str],
    *,
    is_default: bool,
) -> list[str]:
    lines = [f"- config_name: {name}"]
    if is_default:
        lines.append("  default: true")
    lines.append("  data_files:")
    for side in by_side:
        lines += [f"  - split: {side}", f"    path: {path_of(format_name, side, 'parquet')}"]
    return lines


def _body(
    spec: ReleaseSpec,
    statistics: Mapping[str, Any],
    fates: Mapping[str, int],
    rows: Mapping[str, Mapping[str, int]],
    *,
    has_journals: bool,
) -> list[str]:
    sides = [side for side in SIDES if side in statistics.get("examples_by_side", {})]
    return [
        f"# {spec.name} {spec.version}",
        "",
        (
            f"{statistics['examples']:,} examples of {statistics['people']:,} people, made from health exports of phones. "
            "Each number in an answer is a claim with unit, window, count and sources, and can be recomputed from the "
            "prompt. Answers describe; they do not diagnose, advise or compare with other people."
        ),
        "",
        "## Formats",
        "",
        (
            "Each format has the columns of one dataset type of TRL and no others. Parquet and JSONL hold the same "
            "records; `ids/{format}/` (configuration `{format}_ids`) holds their ids in the same order. Read `case` from Parquet: readers of JSON may take its dates for times."
        ),
        "",
        *_table(
            ["configuration", "type", *sides],
            [
                [f"`{name}`", says(name), *(f"{by_side.get(side, 0):,}" for side in sides)]
                for name, by_side in rows.items()
            ],
        ),
        "",
        (
            "`journal/{YYYY}/{MM}/health_journal_{YYYY}_{MM}.jsonl` holds the whole training lines with claims, withheld "
            "metrics and provenance."
            if has_journals
            else "This copy goes without the whole training lines; its claims and what was withheld are in those."
        ),
        "",
        "## Splits",
        "",
        (
            "By person: a keyed hash of the person alone decides, so nobody moves when people are added. Members of a "
            "household are on one side. What two sides would share (a source record, a near-duplicate text) is left out "
            "on the side of less weight: training yields to validation, validation to test."
        ),
        "",
        *_table(
            ["side", "people", "examples"],
            [
                [side, f"{statistics['people_by_side'][side]:,}", f"{statistics['examples_by_side'][side]:,}"]
                for side in sides
            ],
        ),
        "",
        *_empty_sides(spec, sides),
        "## What was left out",
        "",
        *_table(["fate", "lines"], [[fate.replace("_", " "), f"{count:,}"] for fate, count in fates.items() if count]),
        "",
        "## De-identification",
        "",
        PROFILES[spec.profile],
        "",
        *_linked(statistics),
        "",
        "## Lengths",
        "",
        (
            f"Tokens of prompt and answer, counted by {statistics['tokens_counted_by']}. A trainer that is set to fewer "
            "tokens cuts the longer examples off."
        ),
        "",
        *_table(
            ["task", *(f"over {int(bound):,} tokens" for bound in statistics["longer_than_tokens"])],
            _longer(statistics),
        ),
        "",
        "## Statistics",
        "",
        *(f"![{name.replace('_', ' ')}](plots/{name}.png)" for name in PLOTS),
        "",
        (
            "All counts are in `statistics.json`; checksums, table versions and settings in `manifest.json`; "
            "`croissant.json` describes the files for machines."
        ),
        "",
        "## Limits",
        "",
        (
            "Readings come from consumer devices through the phone's health store. Coverage differs between people; what "
            "is not supported by enough data is withheld with its reason, and examples ask for it and refuse. Texts are "
            "rendered from templates in English. Not for diagnosis or treatment."
        ),
    ]


def _empty_sides(spec: ReleaseSpec, sides: Sequence[str]) -> list[str]:
    empty = [side for side in wanted_sides(spec) if side not in sides]
    return [f"**No examples on: {', '.join(empty)}.** Too few people are in it for every side.", ""] if empty else []


def _linked(statistics: Mapping[str, Any]) -> list[str]:
    own, people = statistics["people_with_a_text_of_their_own"], statistics["people"]
    share = 100 * own / people if people else 0
    return [
        (
            f"**Versions can be linked.** {own:,} of {people:,} people ({write_rounded(share)}%) have a text of which nobody else has "
            "the words and numbers. Whoever holds another version with the same lines can tell by these texts that two "
            "pseudonyms are one person, whatever dates and ids say."
        )
    ]


def _longer(statistics: Mapping[str, Any]) -> list[list[str]]:
    examples = statistics["examples_by_task"]
    return [
        [
            task,
            *(
                f"{write_rounded(100 * by_task.get(task, 0) / count, 1)}%"
                for by_task in statistics["longer_than_tokens"].values()
            ),
        ]
        for task, count in examples.items()
    ]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(columns)} |", f"|{' --- |' * len(columns)}"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows)]


def _quoted(text: str) -> str:
    # A JSON string is a YAML string, whatever is in it.
    return orjson.dumps(text).decode()
