"""`make bench`: every benchmark, each in a process of its own, into `benchmarks/results.json`.

Belongs here: the list of benchmarks. Polars runs with one thread, so that "per core" means what it says.
Does not belong here: a benchmark.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).with_name("results.json")
NAMES = ("decode", "twin", "flow", "history")


def main() -> None:
    """Run them all and write what they measured."""
    results = {}
    for name in NAMES:
        print(f"measuring {name} …", flush=True)
        code = f"import json; from benchmarks import {name}; print(json.dumps({name}.measure()))"
        found = subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "POLARS_MAX_THREADS": "1"},  # noqa: TID251 - a child's environment, not a setting
        )
        results[name] = json.loads(found.stdout.splitlines()[-1])
    RESULTS.write_text(json.dumps(results, indent=2, sort_keys=True) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
