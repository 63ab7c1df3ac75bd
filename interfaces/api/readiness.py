"""Whether the process can work, found out beside the work.

Belongs here: asking the stores in a thread of its own, and remembering the answer for a second.
Does not belong here: the route (`routes.health`).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from vitals.errors import VitalgraphError

FRESH_SECONDS: Final = 1.0
MAX_SECONDS: Final = 5.0
"""A store that takes longer to answer does not count as answering."""


class Readiness:
    """What answers now. Asked once at a time, whoever wants to know and however often.

    Args:
        stores: name of a store to what asks it; a store that does not answer raises.
        clock: seconds that only grow.
    """

    def __init__(self, stores: Mapping[str, Callable[[], object]], clock: Callable[[], float] = time.monotonic) -> None:
        self._stores = stores
        self._clock = clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._asking: asyncio.Future[tuple[str, ...]] | None = None
        self._silent: tuple[str, ...] = ()
        self._known_until = float("-inf")

    async def silent(self) -> tuple[str, ...]:
        """Return the names of the stores that do not answer."""
        if self._clock() < self._known_until:
            return self._silent
        if self._asking is None:
            self._asking = asyncio.get_running_loop().run_in_executor(self._thread, self._ask)
            self._asking.add_done_callback(self._remember)
        done, _ = await asyncio.wait({self._asking}, timeout=MAX_SECONDS)
        # Whichever of them hangs: none of them can be vouched for.
        return self._silent if done else tuple(self._stores)

    def _ask(self) -> tuple[str, ...]:
        found = []
        for name, ask in self._stores.items():
            try:
                ask()
            except (VitalgraphError, OSError):
                found.append(name)
        return tuple(found)

    def _remember(self, asked: "asyncio.Future[tuple[str, ...]]") -> None:
        self._silent = tuple(self._stores) if asked.cancelled() or asked.exception() else asked.result()
        self._known_until = self._clock() + FRESH_SECONDS
        self._asking = None

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)
