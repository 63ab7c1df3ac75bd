"""The columns of a clinical table: what each is a metric of, and their values row by row.

Belongs here: metric id, unit and rule of a column, rounding and texts of its numbers, and handing a table over
as mappings; whatever can be done a column at a time.
Does not belong here: what a row's values mean or which may be stated (`fact_row`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, repeat
from types import MappingProxyType
from typing import Any, NamedTuple

import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.record_types import RecordType
from vitals.training.claims import (
    LOGARITHM_DECIMALS,
    VALUE_DECIMALS,
    Claim,
    number_text,
    percent_decimals,
    precise_number,
    rule_of,
)
from vitals.training.parts import Decimals
from vitals.training.rounding import round_column

UNIT_SEPARATOR, RECORD_SEPARATOR = "\x1f", "\x1e"
"""Between metric and reason, and between entries, where `withheld` is one text."""

_UNITS = {
    "dropped_items": "count",
    "between_awake_minutes": "min",
    "between_unscored_minutes": "min",
    "expected_n": "count",
    "longest_gap_minutes": "min",
    "nocturnal_n": "count",
    "sampling_interval_minutes": "min",
    "session_records": "count",
    "single_n": "count",
    "source_floor_mg_dl": "mg/dL",
    "source_ceiling_mg_dl": "mg/dL",
}
"""Units of support columns; a metric has its own."""

_TO_THE_MINUTE = "%Y-%m-%dT%H:%M"

_new = tuple.__new__


class Column(NamedTuple):
    """A column as a metric or support fact.

    Attributes:
        metric: its id.
        unit: its unit; "" where nobody states it as a number.
        rule: its rule and version.
    """

    metric: str
    unit: str
    rule: str


class Columns(dict[str, Column]):
    """The columns of a kind by name, each worked out when it is first asked for."""

    def __init__(self, metric_prefix: str) -> None:
        """No column yet."""
        super().__init__()
        self._prefix = metric_prefix + "."

    def __missing__(self, name: str) -> Column:
        """Work out a column."""
        metric = self._prefix + name
        self[name] = Column(metric, BY_ID[metric].unit if metric in BY_ID else _UNITS.get(name, ""), rule_of(metric))
        return self[name]


@lru_cache(maxsize=32)
def columns_of(metric_prefix: str) -> Columns:
    """The columns of a kind, by `RecordType.metric_prefix`."""
    return Columns(metric_prefix)


def prepared(record_type: RecordType, facts: pl.DataFrame) -> pl.DataFrame:
    """A clinical table in the form in which its rows are cheap to hand over.

    Fractions are rounded, local times are ISO text to the minute, UTC times have no zone, `withheld` is one text.
    """
    columns = columns_of(record_type.metric_prefix)
    entry = pl.element().struct
    withheld = pl.concat_str(entry.field("metric"), entry.field("reason").fill_null(""), separator=UNIT_SEPARATOR)
    fractions = [name for name, dtype in facts.schema.items() if dtype.is_float()]
    logarithms = [name for name in fractions if "ln" in columns[name].unit]
    return facts.with_columns(
        pl.col("withheld").list.eval(withheld).list.join(RECORD_SEPARATOR),
        *(round_column(pl.col(n), VALUE_DECIMALS).fill_nan(None) for n in fractions if n not in logarithms),
        *(round_column(pl.col(name), LOGARITHM_DECIMALS).fill_nan(None) for name in logarithms),
        *_times(facts.schema),
    )


def row_values(facts: pl.DataFrame) -> Iterator[Mapping[str, Any]]:
    """Rows of a `prepared` table in order, as column name to value; lists of structs are lists of mappings."""
    names = facts.columns
    columns = (
        _lists(facts.select(name))
        if isinstance(dtype, pl.List) and isinstance(dtype.inner, pl.Struct)
        else facts[name].to_list()
        for name, dtype in facts.schema.items()
    )
    for values in zip(*columns, strict=True):
        yield dict(zip(names, values, strict=True))


class TableClaims(dict[str, Sequence[Claim | None]]):
    """Claims of the numbers of a `prepared` table: column -> a claim per row, None without a value.

    Those of a column are made together, when one of them is first asked for, and kept as long as the table's rows.
    """

    def __init__(
        self,
        record_type: RecordType,
        facts: pl.DataFrame,
        *,
        windows: Sequence[str],
        counts: Sequence[int | None],
        apps: Sequence[tuple[str, ...]],
        decimals: Decimals = MappingProxyType({}),
    ) -> None:
        """No column yet.

        Args:
            record_type: the kind.
            facts: the table.
            windows, counts, apps: per row what a claim describes, its `n` and its sources.
            decimals: what numbers that have to add up are written with.
        """
        super().__init__()
        self._columns = columns_of(record_type.metric_prefix)
        self._facts = facts
        self._windows, self._counts, self._apps = windows, counts, apps
        self.decimals = decimals

    def __missing__(self, name: str) -> Sequence[Claim | None]:
        """Make the claims of a column."""
        metric, unit, rule = self._columns[name]
        values = self._facts[name].to_list()
        places: Iterable[int] = repeat(0)
        if unit == "%":
            places = (0 if value is None else percent_decimals(value) for value in values)
        if name in self.decimals:
            own = zip(self.decimals[name], places, strict=False)
            places = (usual if decimals is None else decimals for decimals, usual in own)
        self[name] = made = [
            None
            if value is None
            else _new(
                Claim,
                (
                    decimals,
                    metric,
                    metric,
                    n,
                    rule,
                    apps,
                    unit,
                    value,
                    window,
                    None,
                    (),
                    number_text(value, decimals),
                    precise_number(value),
                ),
            )
            for value, decimals, n, apps, window in zip(
                values, places, self._counts, self._apps, self._windows, strict=False
            )
        ]
        return made


def _times(schema: pl.Schema) -> Iterator[pl.Expr]:
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Datetime):
            time = pl.col(name).dt
            yield time.strftime(_TO_THE_MINUTE) if dtype.time_zone is None else time.replace_time_zone(None)


def _lists(column: pl.DataFrame) -> list[list[Mapping[str, Any]] | None]:
    """Lists of structs, their fields read column by column: Polars hands structs over one value at a time."""
    (name,) = column.columns
    counts = column[name].list.len().to_list()
    items = column.lazy().filter(pl.col(name).list.len() > 0).explode(name).unnest(name).collect()
    mappings = row_values(items.with_columns(_times(items.schema)))
    return [None if count is None else list(islice(mappings, count)) for count in counts]
