"""Errors of the object-store and table libraries, told apart and made fit to be shown.

Belongs here: which of their errors may pass on a retry, and what of their text may be repeated.
Does not belong here: how often something is tried again.

Their messages hold object keys (with the external user id) and even rows ("Preview of invalid data"), so
nothing of them is repeated but the HTTP status, the store's error code and the first line of a table error
without its quotes and digits. The original error is not kept as cause or context either: loggers and Dagster
print those.
"""

import errno
import re
from collections.abc import Callable
from typing import TypeVar

from deltalake.exceptions import CommitFailedError, DeltaError
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from polars.exceptions import PolarsError

from resources.lake.keys import safe_key
from resources.local_files import NotAFileError
from vitals.errors import NotFoundError, PermanentError, TransientError, VitalgraphError

T = TypeVar("T")

_STATUS = re.compile(r"\b([1-5][0-9]{2}) [A-Z][a-z]+")
_OS_ERROR = re.compile(r"\(os error ([0-9]+)\)")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_RETRYABLE_STATUS = frozenset({"408", "409", "429"})
_RETRYABLE_CODES = frozenset({"SlowDown", "Throttling", "RequestTimeout", "InternalError", "ServiceUnavailable"})
_DENIED_STATUS = frozenset({"401", "403"})
_DENIED = (PermissionError, PermissionDeniedError, UnauthenticatedError)
# Without a key, credentials are asked of the machine's metadata service.
_NO_CREDENTIALS = re.compile(r"169\.254\.169\.254|latest/api/token|no credential", re.IGNORECASE)
_NETWORK = re.compile(r"error sending request|Generic S3 error|Generic HTTP|timed? ?out|connection|dns", re.IGNORECASE)
_TABLE_FILE = re.compile(r"[a-z_]+=[0-9-]{10}/part-[0-9A-Za-z.-]+\.parquet")
_LOCAL_PERMANENT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.EISDIR})
DAMAGED = "`vitalgraph check` names it; docs/operations.md, A damaged table, says how to mend it."
_PRIVATE = re.compile(r"""["'`].*?["'`]|/\S+|[0-9]+""")


class NotAnObjectError(NotFoundError):
    """There is something else than an object: a link, a pipe, a folder, or a file under a second name."""


def attempt(call: Callable[[], T], *, attempted: str, where: str) -> T:
    """Call into a library.

    Args:
        call: the call.
        attempted: what is being done, as a phrase.
        where: the key, folder or table; of a key is shown what `safe_key` leaves of it.

    Raises:
        NotFoundError: there is no such object.
        TransientError: network, throttling, a full disk: it may pass.
        PermanentError: missing bucket, no permission, bad configuration, broken table.
    """
    try:
        return call()
    except BaseException as error:
        failure = translate(error, attempted=attempted, where=safe_key(where))
        if failure is None:
            raise
    # Outside the handler, so that the library's error does not become the context of ours.
    raise failure


def translate(error: BaseException, *, attempted: str, where: str) -> VitalgraphError | None:
    """Our error for a library's, or None if it is not one of theirs (our own, Ctrl-C, a bug of ours)."""
    panicked = type(error).__module__ == "pyo3_runtime"
    if not panicked and not isinstance(error, (OSError, BaseError, DeltaError, PolarsError)):
        return None
    text = str(error)
    status, code = _found(_STATUS, text), _found(_CODE, text)
    seen = " ".join(part for part in (status, code) if part)
    reported = _found(_OS_ERROR, text)
    local = error.errno if isinstance(error, OSError) and error.errno else int(reported) if reported else None
    name = errno.errorcode.get(local or 0, "")
    detail = _shown(text) if isinstance(error, DeltaError) else type(error).__name__
    # The first that holds counts.
    rules: tuple[tuple[bool, type[VitalgraphError], str, str], ...] = (
        (panicked, PermanentError, "the library panicked", "See its output on stderr, and report the bug."),
        (code == "NoSuchBucket", PermanentError, "the bucket does not exist", "Create it or correct the lake's URL."),
        (
            isinstance(error, FileNotFoundError) and _TABLE_FILE.search(text) is not None,
            NotFoundError,
            f"a file of a table is gone, …/{_whole(_TABLE_FILE, text)}",
            DAMAGED,
        ),
        (
            isinstance(error, NotAFileError),
            NotAnObjectError,
            str(getattr(error, "why", "")),
            "Put the file or folder itself there: nothing but regular files is read, and nothing behind a link touched.",
        ),
        (text.startswith("parquet:"), PermanentError, "a file of a table is no readable Parquet", DAMAGED),
        (isinstance(error, FileNotFoundError), NotFoundError, "there is no such object", "Check the key."),
        (local == errno.ENOTDIR, NotFoundError, "a folder of its path is a file", "Check the key."),
        (
            status in _RETRYABLE_STATUS or code in _RETRYABLE_CODES or (status or "").startswith("5"),
            TransientError,
            f"the store answered {seen}",
            "Try again later.",
        ),
        (
            isinstance(error, _DENIED) or status in _DENIED_STATUS,
            PermanentError,
            f"access is denied ({seen or name or 'no status'})",
            "Check the credentials and what they are allowed to do.",
        ),
        (status is not None, PermanentError, f"the store answered {seen}", "Check the lake's URL and its settings."),
        (isinstance(error, CommitFailedError), TransientError, "the commit failed", "Try again later."),
        (
            _NO_CREDENTIALS.search(text) is not None,
            PermanentError,
            "there are no credentials",
            "Set the key id and the secret of the store.",
        ),
        (
            _NETWORK.search(text) is not None,
            TransientError,
            "the store cannot be reached",
            "Check the endpoint and the network, then try again.",
        ),
        (
            local == errno.ENAMETOOLONG,
            PermanentError,
            "a name in its path is longer than the file system takes",
            "Use a shorter name, such as a shorter user id.",
        ),
        (
            local in _LOCAL_PERMANENT,
            PermanentError,
            f"the file system refused ({name})",
            "Check the lake's folder and who owns it.",
        ),
        (
            local is not None,
            TransientError,
            f"the file system failed ({name})",
            "Check the disk and its free space, then try again.",
        ),
        (True, PermanentError, f"the library failed ({detail})", "Check the object or table for damage."),
    )
    return next(kind(attempted, where, why, remedy) for holds, kind, why, remedy in rules if holds)


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match.group(1) if match else None


def _whole(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match.group() if match else None


def _shown(text: str) -> str:
    """The first line of an error about a table, without what may be data in it."""
    return _PRIVATE.sub("…", (text.splitlines() or [""])[0])[:200]
