"""How a stage's errors become Dagster failures.

Belongs here: which errors may be retried, and stopping all three of Dagster's retry mechanisms for those that
must not (the op's policy, run retries, and automation that asks again); and what an error that nobody foresaw may say.
Does not belong here: the errors themselves (`vitals.errors`), or those of the object store (`resources.lake.errors`).
"""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from resources.lake.errors import translate
from vitals.errors import PermanentError, VitalgraphError

RETRY_TRANSIENT = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For a store or a lock that is away for seconds. What is away for longer is asked for again by the sensors."""

CHECKING = "evaluate the checks"
DO_NOT_RETRY_TAG = "dagster/retry_on_asset_or_op_failure"
_HOUSE = Path(__file__).parents[1]
_PLACES = 4


@contextmanager
def typed_failures(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Let transient errors be retried by the op's policy; stop every retry of a permanent one.

    An error that is not one of ours is retold without its message: a library's may quote the values that it met, and
    Dagster keeps what is raised.
    """
    where = context.asset_key.to_user_string()
    if context.has_partition_key:
        where = f"{where} {context.partition_key}"
    try:
        with retold(where):
            yield
    except PermanentError as error:
        context.instance.add_run_tags(context.run_id, {DO_NOT_RETRY_TAG: "false"})
        raise dg.Failure(description=str(error), allow_retries=False) from error


@contextmanager
def retold(where: str, *, attempted: str = "compute the partition") -> Iterator[None]:
    """Retell an error that is not one of ours without its message: of a check, or of a tick of a sensor.

    Raises:
        VitalgraphError: any error came up; of an unforeseen one it says the class and the places.
    """
    try:
        yield
    except (VitalgraphError, dg.Failure):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not be stored as it is
        failure = translate(error, attempted=attempted, where=where) or _unexpected(error, attempted, where)
        raise failure from None


def _unexpected(error: Exception, attempted: str, where: str) -> PermanentError:
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if _HOUSE in Path(frame.filename).parents and ".venv" not in frame.filename]
    places = [f"{Path(frame.filename).relative_to(_HOUSE)}:{frame.lineno}" for frame in reversed(ours)][:_PLACES]
    return PermanentError(
        attempted,
        where,
        f"an unforeseen {type(error).__name__} at {' in '.join(places) or 'an unknown place'}",
        "Report it with these places; the data stay as they were, and what is pending stays pending.",
    )
