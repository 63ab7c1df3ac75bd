"""The two kinds of failure, and what derives from them.

Belongs here: exceptions that any layer may raise. A permanent error (bad data, bad configuration) must
never be retried; a transient one (network, throttling, a lock) may be, within bounds.
Does not belong here: outcomes that are values, such as a quarantined row or a rejected file.

Every message says what was attempted, on which key or partition, why it cannot work and what to do; none
carries a health value or a person's id. The message is built in the class, from public attributes.
"""

from vitals.display_text import shorten_message


class VitalgraphError(Exception):
    """Base of every error that this project raises on purpose.

    Args:
        attempted: what was being done, as a phrase ("read the upload").
        where: the key, partition or setting it was done on. Never a person's id.
        why: why it cannot work.
        remedy: what the reader can do.
    """

    def __init__(self, attempted: str, where: str, why: str, remedy: str) -> None:
        # Names of files and settings are anybody's text, and an error is shown in terminals, pages and histories.
        attempted, where, why, remedy = (shorten_message(part) for part in (attempted, where, why, remedy))
        super().__init__(f"could not {attempted} ({where}): {why}. {remedy}")
        self.attempted = attempted
        self.where = where
        self.why = why
        self.remedy = remedy


class PermanentError(VitalgraphError):
    """It will fail again in the same way: no retry of any kind."""


class TransientError(VitalgraphError):
    """It may work later: bounded retries with backoff."""


class BusyError(TransientError):
    """The same is being done by somebody else, one at a time (status 429 of the API)."""


class NotFoundError(PermanentError):
    """The thing named does not exist (command line exit code 4)."""


class ConflictError(PermanentError):
    """The thing named is not in the state the request needs (command line exit code 5)."""


class UsageError(PermanentError):
    """The request itself is wrong (command line exit code 2)."""


class ImplausibleValueError(UsageError):
    """A value is of no kind that the field may have (status 422 of the API)."""


class AlreadyDoneError(UsageError):
    """What is asked for was done before; nothing changes (status 400 of the API)."""
