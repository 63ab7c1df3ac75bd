"""How fast the twin makes uploads.

Belongs here: records a second of the twin, with and without faults, encoding and compression included.
Does not belong here: how fast uploads are read.

    python -m benchmarks.twin
"""

from time import process_time

from vitals.record_types import RECORD_TYPES
from vitals.synthetic.bulk import benchmark_uploads
from vitals.synthetic.cohort import ALL_FAULTS, TwinSettings, cohort, generate

RECORDS = 200_000


def measure(*, records: int = RECORDS, seed: int = 1) -> dict[str, float]:
    """Records per second of processor time.

    Args:
        records: how many records each measurement makes; a twentieth of it for sleep.
        seed: which ones.

    Returns:
        `mix` and each kind: bulk uploads without faults; `all_faults`: a cohort with every fault;
        `all_faults_with_truth`: the same with its truth.
    """
    # The first cohort pays for imports and caches.
    list(generate(TwinSettings(seed=seed, people=1, days=2)))
    rates = {"mix": _bulk(records, None, seed)}
    for record_type in RECORD_TYPES:
        wanted = records // 20 if record_type.kind == "sleep" else records
        rates[record_type.kind] = _bulk(wanted, record_type.kind, seed)
    settings = TwinSettings(seed=seed, people=max(1, records // 9000), days=14, faults=ALL_FAULTS)
    begin = process_time()
    made = sum(upload.rows for upload in generate(settings))
    rates["all_faults"] = made / (process_time() - begin)
    begin = process_time()
    made = sum(one.upload.rows for files, _ in cohort(settings) for one in files)
    rates["all_faults_with_truth"] = made / (process_time() - begin)
    return rates


def _bulk(records: int, kind: str | None, seed: int) -> float:
    begin = process_time()
    made = sum(upload.rows for upload in benchmark_uploads(records, kind, seed))
    return made / (process_time() - begin)


if __name__ == "__main__":
    for name, rate in measure().items():
        print(f"{name:24} {rate:12,.0f} records/s")
