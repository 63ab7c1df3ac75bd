"""A kind with nothing but its entry: run by itself, for the registry is read when modules are imported.

Belongs here: the entry, and printing what it lacks. Does not belong here: expectations.
"""

from dataclasses import replace

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


def main() -> None:
    """Enter the kind, then import everything that knows kinds."""
    record_types.RECORD_TYPES = (*record_types.RECORD_TYPES, MADE_UP)
    for index, name in (
        ("BY_KIND", MADE_UP.kind),
        ("BY_CATEGORY", MADE_UP.category),
        ("BY_METRIC_PREFIX", MADE_UP.metric_prefix),
        ("BY_AVRO_NAME", MADE_UP.avro_name),
    ):
        setattr(record_types, index, {**getattr(record_types, index), name: MADE_UP})
    from tests.kind_pieces import missing_pieces

    print(*missing_pieces(MADE_UP), sep="\n")


if __name__ == "__main__":
    main()
