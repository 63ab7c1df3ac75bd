"""Everything a stage works with: the catalog, each tenant's lake, the key of the pseudonyms, the limits.

Belongs here: the one object that is handed to stages, sensors and commands, and how it finds a tenant's lake.
Does not belong here: what a stage does, or reading settings (`dagster_project.settings`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from resources.catalog.catalog import Catalog
from resources.catalog.rows.installation import Installation
from resources.lake.belonging import check_belonging, check_key
from resources.lake.lake import Lake, S3Access
from resources.lake.overlap import refuse_overlap
from resources.lake.refusals import reconcile
from vitals.external_ids import external_id, written_forms
from vitals.raw.container import Limits
from vitals.training.prompts import TOKEN_BUDGET
from vitals.training.tasks.mix import TaskMix
from vitals.training.token_counts import ESTIMATED, TokenCounter
from vitals.validated.file_quality import ScorePolicy
from vitals.validated.pseudonyms import subject_id, tombstones

DEFAULT_TENANT = "default"


@dataclass(frozen=True, kw_only=True)
class ProcessingPolicy:
    """How uploads are read and judged, and what is written of them.

    Attributes:
        limits: bounds against hostile files.
        score: weights and threshold of the quality score.
        batch_bytes: bytes of Avro decoded at once; bounds the memory of a run.
        fetch_concurrency: objects fetched at the same time.
        max_attempts: attempts after which an upload is given up.
        first_day: first landing day there is a partition for; a key that names an earlier one is bad.
        task_mix: lines of each task that a person's day gives.
        prompt_token_budget: tokens the data block of a prompt may take.
        token_counter: how tokens are counted, for the budget and the statistics of a release.
    """

    limits: Limits = field(default_factory=Limits)
    score: ScorePolicy = field(default_factory=ScorePolicy)
    batch_bytes: int = 64 * 2**20
    fetch_concurrency: int = 16
    max_attempts: int = 5
    first_day: date = date(2020, 1, 1)
    task_mix: TaskMix = field(default_factory=TaskMix)
    prompt_token_budget: int = TOKEN_BUDGET
    token_counter: TokenCounter = ESTIMATED


def default_root(lake_url: str, tenant: str) -> str:
    """Root URL of a tenant without one of its own."""
    return lake_url if tenant == DEFAULT_TENANT else f"{lake_url.rstrip('/')}/tenants/{tenant}"


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """One installation.

    Attributes:
        catalog: the transactional store.
        lake_url: root URL of the default tenant; another tenant without a root of its own lives under
            `tenants/<name>` beside it.
        s3: access to the object store if any root is `s3://`.
        subject_key: secret of the pseudonyms.
        policy: limits and thresholds.
        installation: whose the catalog is; every lake is asked whether it is the same one's. None asks nothing.
        former_keys: subject keys of before, latest first: they tell who was erased under them.
    """

    catalog: Catalog
    lake_url: str
    subject_key: bytes = field(repr=False)
    s3: S3Access | None = None
    policy: ProcessingPolicy = field(default_factory=ProcessingPolicy)
    installation: Installation | None = None
    former_keys: Sequence[bytes] = field(default=(), repr=False)
    _known_lakes: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def lake(self, tenant: str) -> Lake:
        """The tenant's lake. The first time in a process it is asked whose it is, and what people refuse there.

        Raises:
            NotFoundError: no such tenant.
            ConflictError: the lake is not the tenant's, or it is empty although it should not be; or the subject key was
                changed since this process began.
        """
        lake = self.unchecked_lake(tenant)
        if self.installation is None:
            return lake
        check_key(self.catalog, self.installation)
        if lake.root_url not in self._known_lakes:
            own_root = self.catalog.tenants.get(tenant).root_url
            if own_root is not None:
                self.check_root(
                    tenant,
                    own_root,
                    attempted="open the lake",
                    remedy="Pause this tenant (`vitalgraph tenant pause`), and add one with a root of its own for its uploads.",
                )
            check_belonging(lake, tenant=tenant, installation=self.installation, catalog=self.catalog)
            reconcile(self.catalog, lake, tenant=tenant, key=self.subject_key)
            self._known_lakes.add(lake.root_url)
        return lake

    def check_root(self, tenant: str, root_url: str | None, *, attempted: str, remedy: str) -> None:
        """Go on only if the root of a tenant, there already or to come, shares nothing with the root of another.

        Args:
            tenant: its name.
            root_url: its own root; None for the place beside the default tenant's.
            attempted, remedy: for the error.

        Raises:
            ConflictError: it does; says whose.
            UsageError: it is no root.
        """
        others = {
            row.name: row.root_url or default_root(self.lake_url, row.name)
            for row in self.catalog.tenants.list()
            # Within the default tenant's lake there is a place for the lakes of tenants without a root of their own.
            if row.name != tenant and not (root_url is None and row.root_url is None)
        }
        refuse_overlap(
            root_url or default_root(self.lake_url, tenant),
            tenant=tenant,
            others=others,
            s3=self.s3,
            attempted=attempted,
            remedy=remedy,
        )

    def unchecked_lake(self, tenant: str) -> Lake:
        """The tenant's lake, whosever it is: for finding that out.

        Raises:
            NotFoundError: no such tenant.
        """
        row = self.catalog.tenants.get(tenant)
        return Lake(row.root_url or default_root(self.lake_url, tenant), s3=self.s3)

    def tombstones(self, tenant: str, external_user: str) -> list[str]:
        """Every tombstone by which a person may be refused, the present key's first."""
        keys = [self.subject_key, *self.former_keys]
        forms = dict.fromkeys([external_id(external_user), *written_forms(external_user)])
        return [mark for form in forms for mark in tombstones(tenant=tenant, external_user=form, keys=keys)]

    def subject_id(self, tenant: str, external_user: str) -> str:
        """Pseudonym of a person of the tenant."""
        return subject_id(tenant=tenant, external_user=external_user, key=self.subject_key)
