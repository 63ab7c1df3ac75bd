"""Writing the files of a release into a folder, record by record.

Belongs here: JSONL, ids and Parquet of a format and side; monthly journals; checksums.
Does not belong here: what a record holds (`formats`, `cases`), the lake.

Everything about the bytes is fixed: sorted keys, one line break, codec and level, row groups of so many rows. The
same records give the same bytes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 1_000
"""Records held in memory at once by each open file."""

DATA_FOLDER = "data"
JOURNAL_FOLDER = "journal"


def data_path(format_name: str, side: str, suffix: str) -> str:
    """Path of a data file: `data/{format}/{side}.{jsonl|parquet|ids.jsonl}`."""
    return f"{DATA_FOLDER}/{format_name}/{side}.{suffix}"


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


class FormatFiles:
    """The three files of a format and side, open for writing. Nothing is created before the first record."""

    def __init__(self, folder: Path, format_name: str, side: str, schema: pa.Schema) -> None:
        self._paths = [folder / data_path(format_name, side, suffix) for suffix in ("jsonl", "ids.jsonl", "parquet")]
        self._schema = schema
        self._waiting: list[Mapping[str, Any]] = []
        self._files: list[BinaryIO] = []
        self._table: pq.ParquetWriter | None = None
        self.rows = 0

    def add(self, id_: str, record: Mapping[str, Any]) -> None:
        """Write one record and its id."""
        if not self._files:
            self._open()
        data, ids, _ = self._files
        data.write(orjson.dumps({name: record[name] for name in self._schema.names}) + b"\n")
        ids.write(orjson.dumps({"id": id_}) + b"\n")
        self._waiting.append(record)
        self.rows += 1
        if len(self._waiting) == ROWS_PER_GROUP:
            self._flush()

    def close(self) -> None:
        """Write what is left and close."""
        if self._table is not None:
            self._flush()
            self._table.close()
        for file in self._files:
            file.close()

    def _open(self) -> None:
        self._paths[0].parent.mkdir(parents=True, exist_ok=True)
        self._files = [path.open("wb") for path in self._paths]
        self._table = pq.ParquetWriter(
            self._files[2],
            self._schema,
            version="2.6",
            compression="zstd",
            compression_level=3,
            write_statistics=False,
            store_schema=False,
        )

    def _flush(self) -> None:
        if self._waiting and self._table is not None:
            self._table.write_table(pa.Table.from_pylist(self._waiting, schema=self._schema), ROWS_PER_GROUP)
            self._waiting = []


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
