"""Files of Delta tables that are gone or cannot be read.

Belongs here: finding them, file by file: an error on reading a table does not always name the file.
Does not belong here: mending; every table follows from the uploads, and docs/operations.md says how.
"""

import io
from urllib.parse import unquote

import polars as pl

from resources.lake.errors import attempt
from resources.lake.objects import Objects
from resources.lake.tables import Tables
from vitals.errors import NotFoundError, PermanentError


def damaged_files(tables: Tables, objects: Objects, table: str) -> dict[str, str]:
    """Live files of a table that are gone or unreadable (see `Lake.damaged_files`)."""
    opened = tables.open(table)
    uris = attempt(opened.file_uris, attempted="read the table's log", where=table) if opened is not None else []
    found: dict[str, str] = {}
    for uri in sorted(uris):
        file = f"{table}/{unquote(uri).rsplit(f'/{table}/', 1)[-1]}"
        try:
            data = objects.read(file)
            attempt(lambda data=data: pl.read_parquet(io.BytesIO(data)), attempted="read the file", where=table)  # type: ignore[misc]
        except NotFoundError:
            found[file] = "gone"
        except PermanentError:
            found[file] = "unreadable"
    return found
