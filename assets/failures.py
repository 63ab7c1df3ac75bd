"""How a stage's errors become Dagster failures.

Belongs here: which errors may be retried, and stopping all three of Dagster's retry mechanisms for those that
must not (the op's policy, run retries, and automation that asks again).
Does not belong here: the errors themselves (`vitals.errors`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from vitals.errors import PermanentError, TransientError

RETRY_TRANSIENT = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For a store or a lock that is away for seconds. What is away for longer is asked for again by the sensors."""

DO_NOT_RETRY_TAG = "dagster/retry_on_asset_or_op_failure"


@contextmanager
def typed_failures(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Let transient errors be retried by the op's policy; stop every retry of a permanent one."""
    try:
        yield
    except TransientError:
        raise
    except PermanentError as error:
        context.instance.add_run_tags(context.run_id, {DO_NOT_RETRY_TAG: "false"})
        raise dg.Failure(description=str(error), allow_retries=False) from error
