"""What a release is read from: training lines, records that people share, versions of tables, the books.

Belongs here: reading the lake and the catalog for a release.
Does not belong here: which lines are taken, or any file of a release.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from typing import Any

import orjson
import polars as pl

from pipeline.clinical import clinical_table
from pipeline.row_accounting import BALANCED_STATES, every_upload, kept_rows
from pipeline.validated.counts import FATES
from pipeline.validated.records_table import records_table
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.clinical.metrics import BY_ID
from vitals.errors import TransientError
from vitals.record_types import RECORD_TYPES, SLEEP
from vitals.release.manifest import Inputs
from vitals.release.selection import SharedRecord
from vitals.release.spec import CATEGORIES, ReleaseSpec
from vitals.release.traces import ManifestFacts, person_digest, source_digest
from vitals.training.claims import RULE_VERSIONS
from vitals.validated.rule_policy import kinds_of

FILES_AT_ONCE = 16

LIBRARIES = ("datasketch", "matplotlib", "polars", "pyarrow")
"""Libraries whose writing or choosing is in the bytes of a release."""


class TrainingLines:
    """The training files of a tenant, read again and again in the same order.

    Args:
        lake: of the tenant.
        categories: training categories; empty for all.
    """

    def __init__(self, lake: Lake, categories: Sequence[str]) -> None:
        self._lake = lake
        wanted = sorted(categories or CATEGORIES)
        self.keys = [found.key for name in wanted for found in lake.objects(f"training/{name}/")]

    def lines(self) -> Iterator[bytes]:
        """Every line of every file; a few files are in memory at once."""
        for _, data in self._contents():
            yield from data.splitlines()

    def parsed(self) -> Iterator[dict[str, Any]]:
        """Every line as an object."""
        return map(orjson.loads, self.lines())

    def digest(self) -> str:
        """Digest of all keys and contents."""
        total = sha256()
        for key, data in self._contents():
            total.update(f"{key}\x1f{sha256(data).hexdigest()}\n".encode())
        return total.hexdigest()

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        for start in range(0, len(self.keys), FILES_AT_ONCE):
            for key, data in self._lake.read_objects(self.keys[start : start + FILES_AT_ONCE]).items():
                if not isinstance(data, bytes):
                    raise TransientError(
                        "read the training lines", key, data.reason, "Build again: the day may just be rendered anew."
                    )
                yield key, data


def inputs_of(lake: Lake, source: TrainingLines) -> Inputs:
    """What the manifest says of the inputs."""
    names = [name for each in RECORD_TYPES for name in (records_table(each), clinical_table(each))]
    found = {name: lake.version(name) for name in names}
    tables = {name: number for name, number in found.items() if number is not None}
    return Inputs(files=len(source.keys), sha256=source.digest(), tables=tables)


def shared_records(lake: Lake) -> list[SharedRecord]:
    """Source records whose id stands under several people: two accounts of one phone, a shared meter."""
    found = []
    for record_type in RECORD_TYPES:
        schema = pl.Schema({name: record_type.columns[name] for name in ("subject_id", "record_id", "utc_date")})
        rows = (
            lake.scan(records_table(record_type), schema=schema)
            .group_by("record_id")
            .agg(
                people=pl.col("subject_id").unique().sort(),
                dates=pl.col("utc_date").unique().sort(),
            )
            .filter(pl.col("people").list.len() > 1)
            .collect(engine="streaming")
            .sort("record_id")
        )
        found += [
            SharedRecord(record_type.category, day, frozenset(people))
            for _, people, dates in rows.iter_rows()
            for day in dates
        ]
    return found


def known_apps(lake: Lake) -> frozenset[str]:
    """Apps of the tenant's records, as they are written there."""
    found: set[str] = set()
    for record_type in RECORD_TYPES:
        rows = lake.scan(records_table(record_type), schema=pl.Schema({"source_app": pl.String()}))
        found.update(rows.unique().collect(engine="streaming")["source_app"].drop_nulls().to_list())
    return frozenset(found)


def apps_of_sleep(lake: Lake) -> dict[str, frozenset[str]]:
    """Pseudonym to the apps of the person's sleep sessions: heart rate asleep rests on them without naming them."""
    schema = pl.Schema({"subject_id": pl.String(), "source_app": pl.String()})
    rows = lake.scan(records_table(SLEEP), schema=schema).unique().collect(engine="streaming")
    found: dict[str, set[str]] = defaultdict(set)
    for person, app in rows.drop_nulls().iter_rows():
        found[person].add(app)
    return {person: frozenset(apps) for person, apps in found.items()}


def record_ids_among(lake: Lake, words: set[bytes]) -> tuple[int, int]:
    """How many ids of source records are among these words, and how many were looked for."""
    known = pl.LazyFrame({"record_id": sorted(word.decode() for word in words)}, schema={"record_id": pl.String})
    hits = looked_for = 0
    for record_type in RECORD_TYPES:
        ids = lake.scan(records_table(record_type), schema=pl.Schema({"record_id": pl.String()}))
        looked_for += int(ids.select(pl.len()).collect(engine="streaming").item())
        hits += int(
            ids.join(known, on="record_id", how="semi")
            .select(pl.col("record_id").n_unique())
            .collect(engine="streaming")
            .item()
        )
    return hits, looked_for


def unbalanced(workspace: Workspace, tenant: str) -> tuple[int, int]:
    """Uploads whose rows do not add up, and kinds whose books differ from their table."""
    uploads = sum(
        u.state in BALANCED_STATES and u.rows_total != sum(getattr(u, f"rows_{fate}") for fate in FATES)
        for u in every_upload(workspace, tenant=tenant)
    )
    kept = [kept_rows(workspace, tenant=tenant, record_type=each) for each in RECORD_TYPES]
    kinds = sum(each.in_books != each.in_table for each in kept)
    return uploads, kinds


def policy_digest(workspace: Workspace) -> str:
    """Digest of the settings of the installation that decide what a line says, whoever it is about."""
    policy = workspace.policy
    return _digest(
        {
            "score": repr(policy.score),
            "task_mix": repr(policy.task_mix),
            "token_budget": policy.prompt_token_budget,
            "tokens_by": policy.token_counter.name,
        }
    )


def kind_policies(workspace: Workspace, tenant: str) -> dict[str, str]:
    """Kind to the digest of what the tenant decided about its records; `ManifestFacts` says what that is."""
    catalog = workspace.catalog
    changes, exemptions = catalog.rule_policies.changes(tenant), catalog.rule_policies.exemptions(tenant)
    demanded = catalog.completions.required(tenant)
    found = {}
    for record_type in RECORD_TYPES:
        bounds = {f"{c.rule}.{c.bound}": c.value for c in changes if record_type in kinds_of(c.rule)}
        let_through = [one.id for one in exemptions if one.kind in ("", record_type.kind)]
        decided = {"bounds": bounds, "demanded": demanded.get(record_type.kind, []), "let_through": let_through}
        found[record_type.kind] = _digest(decided)
    return found


def policies_of_people(workspace: Workspace, tenant: str) -> Mapping[str, str]:
    """Pseudonym to digest of the settings and the profile that a person's lines are made under."""
    general = policy_digest(workspace)
    return {
        profile.subject_id: _digest({"general": general, "profile": vars(profile)})
        for profile in workspace.catalog.subjects.profiles(tenant)
    }


def comparison_facts(workspace: Workspace, spec: ReleaseSpec, *, withheld_people: set[str]) -> ManifestFacts:
    """What this release notes for a comparison with another version.

    Args:
        withheld_people: pseudonyms of people whose lines may not be used, whether there are any or not.
    """
    key = workspace.subject_key
    uploads = every_upload(workspace, tenant=spec.tenant)
    return ManifestFacts(
        processor_version=version("vitalgraph"),
        rule_versions={metric: RULE_VERSIONS.get(metric, 1) for metric in sorted(BY_ID)},
        policy_digest=policy_digest(workspace),
        selection_digest=spec.selection_digest(),
        kind_policies=kind_policies(workspace, spec.tenant),
        sources=frozenset(source_digest(u.key_sha256, key=key) for u in uploads if u.state in BALANCED_STATES),
        completions=frozenset(str(said.id) for said in workspace.catalog.completions.in_force(spec.tenant)),
        withdrawn=frozenset(person_digest(person, key=key) for person in withheld_people),
    )


def code_versions() -> dict[str, str]:
    """Version of this software and of the libraries that write a release."""
    return {name: version(name) for name in ("vitalgraph", *LIBRARIES)}


def _digest(value: Mapping[str, Any]) -> str:
    return sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()
