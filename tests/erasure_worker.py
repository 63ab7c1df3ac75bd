"""An erasure to be killed: erases one person of a home and kills itself, as `kill -9` would, at a given step.

python -m tests.erasure_worker HOME USER STEP
"""

import os
import signal
import sys
from pathlib import Path

from operations.erasure.erasure import forget
from tests.flow import TENANT, installation


def main() -> None:
    _, workspace = installation(Path(sys.argv[1]))
    left = int(sys.argv[3])

    def on_step(_name: str) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    forget(workspace, tenant=TENANT, user=sys.argv[2], actor="test", private_key=bytes(range(32)), on_step=on_step)


if __name__ == "__main__":
    main()
