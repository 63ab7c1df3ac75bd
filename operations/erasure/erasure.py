"""Erasure of a person: every trace but a keyed hash that keeps them erased, and a certificate that says so.

Belongs here: the order of the steps, and what makes a crash at any point harmless.
Does not belong here: what is done to a store (`erasure_lake`, `erasure_releases`, `resources.catalog.erasures`).

The hash is stored first, in the catalog and in the lake: from then on uploads of the person are refused. Each step
is entered when it is done and may be repeated, so calling it again goes on where it was killed. The person's rows in
the catalog go late, because the earlier steps find by them what is theirs; who is in which release goes last.

While it runs, nothing of the tenant is validated; while it removes, nothing is computed or released either: what has
begun is waited for, what begins waits (`erasure_lanes`). Between two calls of an erasure that was killed everything
runs. So the person's consent is withdrawn before anything is removed, and the last step looks at everything again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Any, Protocol

import orjson

from operations.erasure.lake import (
    clear_leftovers,
    forget_traces,
    purge_tables,
    remove_lines,
    remove_quarantine,
    remove_raw,
    remove_refusals,
)
from operations.erasure.releases import build_successors, plan, take_back
from operations.erasure.search import doubtful, entries, find_person, is_nothing, search
from operations.preview import clear_abandoned_copies
from pipeline.erasure_locks import nothing_computed, refusing
from pipeline.registration import GUARDS, erased_people, utc_now
from resources.catalog.erasures import Person
from resources.catalog.rows.people import PURPOSES, Purpose
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.rows.uploads import Upload
from resources.lake.lake import Lake
from resources.lake.refusals import deciding
from resources.workspace import Workspace
from vitals.certificate import signed
from vitals.errors import NotFoundError, TransientError
from vitals.external_ids import external_id
from vitals.raw.keys import BadKey, parse_key
from vitals.raw.mentions import Mentions

OnStep = Callable[[str], None]

STATEMENT = (
    "All data of one person were removed from this installation: uploads, records, facts, training lines, quarantine, "
    "the catalog and every version of a data set, with all older versions of its tables. Copies that were exported "
    "from it before, and backups made before, are outside of it."
)


class Elsewhere(Protocol):
    """Where texts about people are kept that are neither lake nor catalog: the history of runs, and logs."""

    def keys(self) -> Iterable[str]:
        """Keys of uploads that are named there."""

    def count(self, mentions: Mentions) -> int:
        """How often a person is named there."""

    def remove(self, mentions: Mentions) -> int:
        """Take a person out; how often they were named there."""

    def foreign(self, mentions: Mentions) -> list[str]:
        """Files beside the installation's own that name a person, or that nobody can search."""


def dry_run(workspace: Workspace, *, tenant: str, user: str, elsewhere: Elsewhere | None = None) -> dict[str, Any]:
    """What `forget` would remove: counts per store, and versions of data sets. Nothing is changed.

    `doubtful` is what it would leave although it may be theirs: keys and files, for whoever asks to look at, and folders.

    Raises:
        NotFoundError: nothing is known of such a person.
    """
    person = find_person(workspace, tenant, user)
    mentions = workspace.catalog.erasures.mentions(tenant, person)
    found = _found(workspace, tenant, person, elsewhere)
    if is_nothing(found):
        raise _unknown(tenant)
    doubt = doubtful(workspace.lake(tenant), person)
    return {
        **found,
        "dataset_versions": plan(workspace, tenant, person.subject_id),
        "doubtful": {
            "keys": doubt.keys,
            "folders": doubt.closed,
            "files": [] if elsewhere is None else elsewhere.foreign(mentions),
        },
    }


def _found(workspace: Workspace, tenant: str, person: Person, elsewhere: Elsewhere | None) -> dict[str, Any]:
    """What there is of a person, wherever it is."""
    found = search(workspace, tenant, person)
    if elsewhere is not None:
        found["run_history"] = elsewhere.count(workspace.catalog.erasures.mentions(tenant, person))
    return found


def forget(
    workspace: Workspace,
    *,
    tenant: str,
    user: str,
    actor: str,
    private_key: bytes,
    elsewhere: Elsewhere | None = None,
    on_step: OnStep = lambda _: None,
) -> dict[str, Any]:
    """Erase a person, or go on with an erasure that was interrupted; the certificate.

    A person who was erased before and has nothing left gets the certificate of then.

    Args:
        workspace: the installation.
        tenant: whose person.
        user: external id.
        actor: who asked for it.
        private_key: 32 bytes that sign the certificate.
        elsewhere: the history of runs; without one the certificate does not speak of it.
        on_step: called with the name of each step before it begins.

    Raises:
        NotFoundError: nothing is known of such a person.
        TransientError: a store did not answer; call it again.
    """
    catalog = workspace.catalog
    catalog.tenants.get(tenant)
    user = external_id(user)
    marks = workspace.tombstones(tenant, user)
    with catalog.exclusive(f"validated-{tenant}", wait=True):
        former = next((one for one in catalog.erasures.list(tenant) if one.tombstone in marks), None)
        mark = marks[0] if former is None else former.tombstone
        person = find_person(workspace, tenant, user)
        finished = former is not None and former.finished_at is not None
        if former is None or finished:
            nothing = is_nothing(_found(workspace, tenant, person, elsewhere))
            if nothing and former is None:
                raise _unknown(tenant)
            if nothing and former is not None and former.certificate is not None:
                return dict(former.certificate)
        with refusing(workspace, tenant):
            catalog.erasures.begin(tenant, mark, actor=actor, now=utc_now())
            write_guard(workspace.lake(tenant), tenant, mark)
        if finished:
            catalog.erasures.again(tenant, mark)
        return _Erasing(workspace, tenant, person, mark, actor, elsewhere, on_step).run(private_key)


def replay(
    workspace: Workspace,
    *,
    private_key: bytes,
    elsewhere: Elsewhere | None = None,
    on_step: OnStep = lambda _: None,
) -> dict[str, int]:
    """Erase again whoever a restored backup brought back: persons erased by tenant.

    The guards in the lake say who was erased, whatever the catalog says; who they are is found among the people and
    the uploads that are there now, and among the uploads that the history of runs names.
    """
    again: dict[str, int] = {}
    named = [] if elsewhere is None else list(elsewhere.keys())
    for tenant in [row.name for row in workspace.catalog.tenants.list()]:
        for user in _returned(workspace, tenant, named):
            forget(
                workspace,
                tenant=tenant,
                user=user,
                actor="replay",
                private_key=private_key,
                elsewhere=elsewhere,
                on_step=on_step,
            )
            again[tenant] = again.get(tenant, 0) + 1
    return again


def _returned(workspace: Workspace, tenant: str, named: Iterable[str]) -> list[str]:
    """External ids of people who are there although they were erased."""
    lake = workspace.lake(tenant)
    erased = erased_people(workspace, tenant)
    users = set(workspace.catalog.subjects.subject_ids(tenant))
    for key in [*entries(lake).keys, *named]:
        parsed = parse_key(key)
        if not isinstance(parsed, BadKey):
            users.add(parsed.user)
    return sorted(user for user in users if not erased.isdisjoint(workspace.tombstones(tenant, user)))


@dataclass
class _Erasing:
    """One erasure on its way."""

    workspace: Workspace
    tenant: str
    person: Person
    mark: str
    actor: str
    elsewhere: Elsewhere | None
    on_step: OnStep

    def run(self, private_key: bytes) -> dict[str, Any]:
        catalog, tenant = self.workspace.catalog, self.tenant
        # Nobody may publish between the look at the releases and the removal of the lines.
        with catalog.exclusive(f"release-{tenant}", wait=True), nothing_computed(self.workspace, tenant):
            for name, step in self._steps():
                self._once(name, step)
        self._once("successors", self._successors)
        with nothing_computed(self.workspace, tenant):
            self._once("swept", self._sweep)
            # Before the certificate: what is written after this holds nothing of the person.
            self._once("compacted", _done(catalog.compact))
        erasure = catalog.erasures.begin(tenant, self.mark, actor=self.actor, now=utc_now())
        self.on_step("certificate")
        found, successors = erasure.steps["found"], erasure.steps["successors"]["versions"]
        document = {
            "id": erasure.erasure_id,
            "statement": STATEMENT,
            "tenant": tenant,
            "begun_at": erasure.begun_at.isoformat(),
            "finished_at": utc_now().isoformat(),
            "removed": {name: value for name, value in found.items() if name != "dataset_versions"},
            "left": erasure.steps["swept"],
            "doubtful": self._doubtful(),
            "dataset_versions": successors,
            "tombstone": self.mark,
            "software": {"vitalgraph": version("vitalgraph")},
        }
        certificate = signed(document, private_key=private_key)
        catalog.erasures.finish(tenant, self.mark, certificate, now=utc_now())
        return certificate

    def _steps(self) -> Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]:
        lake, person = self.workspace.lake(self.tenant), self.person
        yield "found", partial(_found, self.workspace, self.tenant, person, self.elsewhere)
        yield "withheld", self._withhold
        # While all is there by which they may be named.
        yield "run_history", self._forget_elsewhere
        # After that, and not before: no release that is built from now on has the person in it.
        yield "planned", self._plan
        # Read when the first of them is asked for: after the catalog's step there are none, and none are needed.
        uploads = self.workspace.catalog.erasures.uploads(self.tenant, person)
        yield "raw", _done(partial(remove_raw, lake, person))
        yield "quarantine", _done(partial(remove_quarantine, lake, uploads))
        yield "training", _done(partial(remove_lines, lake, person, on_step=self.on_step))
        yield "tables", _done(partial(purge_tables, lake, person, on_step=self.on_step))
        yield "leftovers", _done(partial(clear_leftovers, lake, person))
        yield "copies", _done(partial(clear_abandoned_copies, self.workspace, self.tenant))
        yield "taken_back", self._take_back
        yield "catalog", partial(self._forget_in_catalog, uploads)
        yield "contributors", self._forget_contributor

    def _once(self, name: str, step: Callable[[], Mapping[str, Any]]) -> None:
        erasures = self.workspace.catalog.erasures
        if name in erasures.begin(self.tenant, self.mark, actor=self.actor, now=utc_now()).steps:
            return
        self.on_step(name)
        erasures.done(self.tenant, self.mark, name, step())

    def _withhold(self) -> Mapping[str, Any]:
        """If this is killed, what runs before it is called again takes nothing of the person into lines or releases."""
        granted: dict[Purpose, bool] = dict.fromkeys(PURPOSES, False)
        self.workspace.catalog.consents.decide(
            self.tenant, self.person.subject_id, granted, actor=self.actor, now=utc_now()
        )
        return {}

    def _forget_elsewhere(self) -> Mapping[str, Any]:
        if self.elsewhere is None:
            return {}
        mentions = self.workspace.catalog.erasures.mentions(self.tenant, self.person)
        return {"named": self.elsewhere.remove(mentions)}

    def _plan(self) -> Mapping[str, Any]:
        return {"versions": plan(self.workspace, self.tenant, self.person.subject_id)}

    def _planned(self) -> list[dict[str, Any]]:
        erasure = self.workspace.catalog.erasures.begin(self.tenant, self.mark, actor=self.actor, now=utc_now())
        return list(erasure.steps["planned"]["versions"])

    def _take_back(self) -> Mapping[str, Any]:
        take_back(self.workspace, self.tenant, self._planned(), on_step=self.on_step)
        return {}

    def _forget_in_catalog(self, uploads: Sequence[Upload]) -> Mapping[str, Any]:
        """One step: whatever is released before the catalog has forgotten the person notes them for comparisons."""
        forget_traces(self.workspace, self.tenant, self.person, uploads, on_step=self.on_step)
        return self.workspace.catalog.erasures.forget(self.tenant, self.person)

    def _forget_contributor(self) -> Mapping[str, Any]:
        return {"entries": self.workspace.catalog.datasets.forget_contributor(self.tenant, self.person.subject_id)}

    def _successors(self) -> Mapping[str, Any]:
        return {"versions": build_successors(self.workspace, self.tenant, self._planned(), on_step=self.on_step)}

    def _doubtful(self) -> Mapping[str, int]:
        """What may be theirs and stays, in numbers: a certificate names nothing."""
        found = doubtful(self.workspace.lake(self.tenant), self.person)
        counts = {"names": len(found.keys), "folders_that_could_not_be_opened": len(found.closed)}
        if self.elsewhere is not None:
            mentions = self.workspace.catalog.erasures.mentions(self.tenant, self.person)
            counts["files_beside_the_installation"] = len(self.elsewhere.foreign(mentions))
        return counts

    def _sweep(self) -> Mapping[str, Any]:
        """Look again: what ran between two calls of an erasure that was killed may have written after its steps."""
        workspace, tenant = self.workspace, self.tenant
        lake, person = workspace.lake(tenant), find_person(workspace, tenant, self.person.external_user)
        remove_raw(lake, person)
        clear_leftovers(lake, person)
        with deciding(workspace.catalog, tenant):
            workspace.catalog.erasures.forget(tenant, person)
            # While the catalog had the person, whoever compared it with the lake kept that they allow nothing.
            remove_refusals(workspace, tenant, person)
        self._forget_elsewhere()
        left = _found(workspace, tenant, person, self.elsewhere)
        if left["training_lines"] or left["table_rows"]:
            purge_tables(lake, person, on_step=self.on_step)
            remove_lines(lake, person, on_step=self.on_step)
            left = _found(workspace, tenant, person, self.elsewhere)
        if not is_nothing(left):
            raise TransientError(
                "erase the person",
                f"tenant {tenant}",
                "something of theirs was written meanwhile",
                "Let the tenant's runs end, then call it again.",
            )
        event = NewAuditEvent(
            tenant=tenant, at=utc_now(), actor=self.actor, action="subject.forget", target=self.mark[:16], details={}
        )
        workspace.catalog.audit.record([event])
        return left


def write_guard(lake: Lake, tenant: str, mark: str) -> None:
    """Say beside the lake that somebody was erased and is refused."""
    guard = {"tenant": tenant, "tombstone": mark}
    lake.write_object(f"{GUARDS}{mark}.json", orjson.dumps(guard, option=orjson.OPT_SORT_KEYS))


def _done(work: Callable[[], None]) -> Callable[[], Mapping[str, Any]]:
    def step() -> Mapping[str, Any]:
        work()
        return {}

    return step


def _unknown(tenant: str) -> NotFoundError:
    return NotFoundError("erase the person", f"tenant {tenant}", "nothing is known of that id", "Check id and tenant.")
