"""Writing the files of a release into a folder, record by record.

Belongs here: JSONL and Parquet of a format and side, and of its ids in a folder of their own; monthly journals; checksums.
Does not belong here: what a record holds (`formats`, `cases`), the lake.

Everything about the bytes is fixed: sorted keys, one line break, codec and level, row groups of so many rows. The
same records give the same bytes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 1_000
"""Records held in memory at once by each open file."""

DATA_FOLDER = "data"
JOURNAL_FOLDER = "journal"

IDS_FOLDER = "ids"

SUFFIXES = ("jsonl", "parquet")
"""Files of a format and side, in either folder: its records, and their ids in the same order, each twice."""

ID_SCHEMA = pa.schema([("id", pa.string())])


def data_path(format_name: str, side: str, suffix: str) -> str:
    """Path of a data file, with a suffix of SUFFIXES."""
    return f"{DATA_FOLDER}/{format_name}/{side}.{suffix}"


def ids_path(format_name: str, side: str, suffix: str) -> str:
    """Path of the ids of a data file: outside of its folder, so that whoever opens all of that meets one schema."""
    return f"{IDS_FOLDER}/{format_name}/{side}.{suffix}"


def paths_of(format_name: str, side: str) -> list[str]:
    """Paths of all files of a format and side."""
    return [path(format_name, side, suffix) for path in (data_path, ids_path) for suffix in SUFFIXES]


def journal_path(local_date: str) -> str:
    """Path of the monthly file that holds whole training lines of a local day."""
    year, month = local_date[:4], local_date[5:7]
    return f"{JOURNAL_FOLDER}/{year}/{month}/health_journal_{year}_{month}.jsonl"


@dataclass(frozen=True)
class FileFacts:
    """What the manifest says of a file.

    Attributes:
        sha256: checksum in hex.
        bytes: size.
        rows: records in it; None for a file that has none.
    """

    sha256: str
    bytes: int
    rows: int | None = None

    def as_json(self) -> dict[str, Any]:
        """As the manifest writes it."""
        found: dict[str, Any] = {"sha256": self.sha256, "bytes": self.bytes}
        return found if self.rows is None else {**found, "rows": self.rows}


class _Pair:
    """JSONL and Parquet of the same records, open for writing."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._waiting: list[Mapping[str, Any]] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lines = path.with_name(f"{path.name}.jsonl").open("wb")
        self._file = path.with_name(f"{path.name}.parquet").open("wb")
        self._table = pq.ParquetWriter(
            self._file,
            schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            write_statistics=False,
            store_schema=False,
        )

    def add(self, record: Mapping[str, Any]) -> None:
        self._lines.write(orjson.dumps({name: record[name] for name in self._schema.names}) + b"\n")
        self._waiting.append(record)
        if len(self._waiting) == ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._table.close()
        self._file.close()
        self._lines.close()

    def _flush(self) -> None:
        if self._waiting:
            self._table.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema), ROWS_PER_GROUP)
            self._waiting = []


class FormatFiles:
    """The files of a format and side, open for writing: records and, in the same order, their ids.

    Nothing is created before the first record.
    """

    def __init__(self, folder: Path, format_name: str, side: str, schema: pa.Schema) -> None:
        self._paths = [folder / parent / format_name / side for parent in (DATA_FOLDER, IDS_FOLDER)]
        self._schema = schema
        self._pairs: tuple[_Pair, _Pair] | None = None
        self.rows = 0

    def add(self, id_: str, record: Mapping[str, Any]) -> None:
        """Write one record and its id."""
        if self._pairs is None:
            data, ids = self._paths
            self._pairs = _Pair(data, self._schema), _Pair(ids, ID_SCHEMA)
        records, ids_of_records = self._pairs
        records.add(record)
        ids_of_records.add({"id": id_})
        self.rows += 1

    def close(self) -> None:
        """Write what is left and close."""
        for pair in self._pairs or ():
            pair.close()


@contextmanager
def open_formats(folder: Path, side: str, schemas: Mapping[str, pa.Schema]) -> Iterator[dict[str, FormatFiles]]:
    """Files of several formats of one side, by name of the format."""
    found = {name: FormatFiles(folder, name, side, schema) for name, schema in schemas.items()}
    try:
        yield found
    finally:
        for files in found.values():
            files.close()


def facts_of_file(path: Path, *, rows: int | None = None) -> FileFacts:
    """Checksum and size of a file, read in pieces."""
    digest, size = sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
            size += len(piece)
    return FileFacts(digest.hexdigest(), size, rows)


def dump(value: Any) -> bytes:
    """A JSON document of a release: sorted, indented, one line break at its end."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"
