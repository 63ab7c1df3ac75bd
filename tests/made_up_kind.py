"""A kind with nothing but its entry: run by itself, for the registry is read when modules are imported.

Belongs here: the entry, and printing what it lacks and who does not know it. Does not belong here: expectations.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import get_args

import polars as pl

from vitals import record_types

MADE_UP = replace(
    record_types.HRV_RMSSD,
    kind="made_up",
    avro_name="MadeUpRecord",
    category="made_up_health",
    metric_prefix="made",
    short_name="Made-up reading",
    value_columns={"level_furlongs": pl.Float64()},
    writer_fields={"level_furlongs": "level"},
    plausible={"level_furlongs": (1, 2)},
    hard_limits={"level_furlongs": (0, 3)},
    units={"level_furlongs": "furlongs"},
    unit_suspect={},
)


def enter() -> None:
    """Put the kind into the registry, before anything is imported that reads it."""
    record_types.RECORD_TYPES = (*record_types.RECORD_TYPES, MADE_UP)
    for index, name in (
        ("BY_KIND", MADE_UP.kind),
        ("BY_CATEGORY", MADE_UP.category),
        ("BY_METRIC_PREFIX", MADE_UP.metric_prefix),
        ("BY_AVRO_NAME", MADE_UP.avro_name),
    ):
        setattr(record_types, index, {**getattr(record_types, index), name: MADE_UP})


def who_knows() -> dict[str, bool]:
    """Whether what lists kinds has this one, for nothing else would say that it was left out."""
    import dagster as dg

    from assets.raw import raw_assets
    from assets.validated import validated_assets, validated_checks
    from interfaces.api.routes.uploads import Kind
    from interfaces.desk.neighbours import picture_of
    from vitals.clinical.forensics.gaps import LONGEST_BETWEEN_MS
    from vitals.release.spec import CATEGORIES
    from vitals.synthetic.bad_rows import SPOILS
    from vitals.synthetic.settings import TwinSettings
    from vitals.training.day_journal.journal import NAMES
    from vitals.training.prompt_words import TOPICS
    from vitals.validated.rule_policy import HARD_LIMITS
    from vitals.validated.rules import rules_of

    partitions = dg.StaticPartitionsDefinition(["one"])
    at = datetime(2025, 9, 1, tzinfo=UTC)
    row = {"start_utc": at, "end_utc": at, "level_furlongs": 1.5, "record_id": "a", "source_app": "b"}
    return {
        "raw assets": any(each.key.path[-1] == "made_up" for each in raw_assets(partitions)),
        "validated assets": any(each.key.path[-1] == "made_up" for each in validated_assets(partitions)),
        "their checks": any("made_up" in each.node_def.name for each in validated_checks(partitions)),
        "rules": "out_of_range:level_furlongs" in {rule.reason for rule in rules_of(MADE_UP)},
        "limits of rules": HARD_LIMITS["out_of_range:level_furlongs"] == (0, 3),
        "prompts": TOPICS.get("made_up") == MADE_UP.topic,
        "journal": NAMES.get("made_up") == MADE_UP.short_name,
        "releases": "made_up_health" in CATEGORIES,
        "forensics": "made_up" in LONGEST_BETWEEN_MS,
        "API": "made_up" in get_args(Kind),
        "desk": ", furlongs" in picture_of(MADE_UP, [(row, False)], shift=timedelta()),
        "twin": "made_up" in TwinSettings(seed=1).kinds and "made_up" in SPOILS,
    }


def main() -> None:
    """Print what the kind lacks, and who does not know it."""
    enter()
    from tests.kind_pieces import missing_pieces

    print(*missing_pieces(MADE_UP), sep="\n")
    print(*(f"not known to: {name}" for name, knows in who_knows().items() if not knows), sep="\n", end="")


if __name__ == "__main__":
    main()
