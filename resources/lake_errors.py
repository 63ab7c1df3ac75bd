"""Errors of the object-store and table libraries, told apart and made fit to be shown.

Belongs here: which of their errors may pass on a retry, and what of their text may be repeated.
Does not belong here: how often something is tried again.

Their messages hold object keys (with the external user id) and even rows ("Preview of invalid data"), so
nothing of them is repeated but the HTTP status and the store's error code, and the original error is not
kept as cause or context either: loggers and Dagster print those.
"""

import errno
import re
from collections.abc import Callable
from typing import NoReturn, TypeVar

from deltalake.exceptions import CommitFailedError, DeltaError, SchemaMismatchError
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from polars.exceptions import PolarsError

from vitals.errors import NotFoundError, PermanentError, TransientError, VitalgraphError

T = TypeVar("T")

_STATUS = re.compile(r"\b([1-5][0-9]{2}) (?:[A-Z][a-z]+|I'm)")
_CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
_RETRYABLE_STATUS = frozenset({"408", "409", "429"})
_RETRYABLE_CODES = frozenset({"SlowDown", "Throttling", "RequestTimeout", "InternalError", "ServiceUnavailable"})
_NETWORK = re.compile(r"error sending request|Generic S3 error|Generic HTTP|timed? ?out|connection|dns", re.IGNORECASE)
_LOCAL_PERMANENT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG})


def attempt(call: Callable[[], T], *, attempted: str, where: str) -> T:
    """Call into a library.

    Args:
        attempted: what is being done, as a phrase.
        where: the key or table, fit to be shown.

    Raises:
        NotFoundError: there is no such object.
        TransientError: network, throttling, a full disk: it may pass.
        PermanentError: missing bucket, no permission, bad configuration, broken table.
    """
    try:
        return call()
    except BaseException as error:
        failure = translate(error, attempted=attempted, where=where)
        if failure is None:
            raise
    # Outside the handler, so that the library's error does not become the context of ours.
    raise_bare(failure)


def raise_bare(failure: VitalgraphError) -> NoReturn:
    """Raise an error that has neither cause nor context."""
    raise failure from None


def translate(error: BaseException, *, attempted: str, where: str) -> VitalgraphError | None:
    """Our error for a library's, or None if it is not one of theirs (our own, Ctrl-C, a bug of ours)."""
    if isinstance(error, VitalgraphError):
        return None
    if type(error).__module__ == "pyo3_runtime":
        return PermanentError(attempted, where, "the library panicked", "See its output on stderr; report the bug.")
    if not isinstance(error, (OSError, BaseError, DeltaError, PolarsError)):
        return None
    text = str(error)
    status, code = _found(_STATUS, text), _found(_CODE, text)
    seen = " ".join(part for part in (status, code) if part)
    if code == "NoSuchBucket":
        return PermanentError(attempted, where, "the bucket does not exist", "Create it or correct the lake's URL.")
    if isinstance(error, FileNotFoundError):
        return NotFoundError(attempted, where, "there is no such object", "Check the key; it may have been deleted.")
    if status in _RETRYABLE_STATUS or code in _RETRYABLE_CODES or (status or "").startswith("5"):
        return TransientError(attempted, where, f"the store answered {seen}", "Try again later.")
    if isinstance(error, (PermissionError, PermissionDeniedError, UnauthenticatedError)) or status in {"401", "403"}:
        why = f"access is denied {f'({seen})' if seen else ''}".strip()
        return PermanentError(attempted, where, why, "Check the credentials and what they are allowed to do.")
    if status:
        return PermanentError(attempted, where, f"the store answered {seen}", "Check the lake's URL and its settings.")
    return _without_answer(error, text, attempted=attempted, where=where)


def _without_answer(error: BaseException, text: str, *, attempted: str, where: str) -> VitalgraphError:
    """An error in which no store answered."""
    if isinstance(error, CommitFailedError):
        return TransientError(attempted, where, "other writers kept changing the table", "Try again later.")
    if isinstance(error, SchemaMismatchError):
        return PermanentError(attempted, where, "the columns do not fit the table", "Compare the two schemas.")
    if "environment" in text or "credential" in text.lower():
        return PermanentError(attempted, where, "there are no credentials", "Set the key id and secret of the store.")
    if _NETWORK.search(text):
        return TransientError(attempted, where, "the store cannot be reached", "Check the endpoint and the network.")
    if isinstance(error, OSError):
        kind = errno.errorcode.get(error.errno or 0, "no code")
        if error.errno in _LOCAL_PERMANENT:
            return PermanentError(attempted, where, f"the file system refused ({kind})", "Check the lake's folder.")
        return TransientError(attempted, where, f"the file system failed ({kind})", "Check disk space, then try again.")
    return PermanentError(
        attempted, where, f"the library failed ({type(error).__name__})", "Check the object or table for damage."
    )


def _found(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    return match.group(1) if match else None
