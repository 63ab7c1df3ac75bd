"""Training: the JSONL lines of one category and local day.

Belongs here: reading clinical facts, writing the day's file, clearing its mark.
Does not belong here: a sentence (`vitals.training`), or any clinical number.
"""

from datetime import date
from importlib.metadata import version

from pipeline.clinical import read_facts
from pipeline.consent import consenting
from pipeline.erasure_locks import never_during_erasure
from pipeline.training_paths import category_path
from resources.workspace import Workspace
from vitals.record_types import RecordType
from vitals.training.examples import build_examples

PROCESSOR_VERSION = version("vitalgraph")


def journal_path(record_type: RecordType, local_day: date) -> str:
    """Key of the day's training file of a kind."""
    return category_path(record_type.category, local_day)


@never_during_erasure
def render_partition(workspace: Workspace, *, tenant: str, record_type: RecordType, local_day: date) -> list[bytes]:
    """Rewrite the day's training file from the facts of people who allow it; a day without examples has no file."""
    lake = workspace.lake(tenant)
    stale_days = workspace.catalog.stale_days
    mark = stale_days.version(tenant, "training", record_type.kind, local_day)
    facts = read_facts(workspace, tenant=tenant, record_type=record_type, local_day=local_day)
    lines = build_examples(
        record_type.kind,
        consenting(workspace, tenant, facts, "training"),
        tenant=tenant,
        processor_version=PROCESSOR_VERSION,
        mix=workspace.policy.task_mix,
        token_budget=workspace.policy.prompt_token_budget,
        count_tokens=workspace.policy.token_counter.count,
    )
    path = journal_path(record_type, local_day)
    if lines:
        lake.write_object(path, b"".join(line + b"\n" for line in lines))
    else:
        lake.delete_objects([path])
    if mark is not None:
        stale_days.clear(tenant, "training", record_type.kind, local_day, mark)
    return lines


def read_journal(workspace: Workspace, *, tenant: str, record_type: RecordType, local_day: date) -> list[bytes]:
    """Lines of the day's training file; none if there is no file."""
    lake = workspace.lake(tenant)
    path = journal_path(record_type, local_day)
    return lake.read_object(path).splitlines() if lake.head(path) is not None else []
