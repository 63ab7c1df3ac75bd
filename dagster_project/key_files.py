"""Secret keys that an installation makes for itself on first use.

Belongs here: writing such a file once, however many processes begin at the same time.
Does not belong here: which keys there are, and what they must look like (`settings`, `signing`).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

NEXT_SUBJECT_KEY = "subject.key.next"
"""Subject key that is being brought into use, until it takes the place of the former one."""


def ensure(path: Path, make: Callable[[], str]) -> None:
    """Write what `make` returns into a file that only its owner may read; a file that is there stays as it is."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=path.parent, prefix=".key-") as folder:
        complete = Path(folder, path.name)
        with os.fdopen(os.open(complete, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make())
        # The name appears with all of its content, so nobody reads half a key; if another process was first, its counts.
        with suppress(FileExistsError):
            path.hardlink_to(complete)
