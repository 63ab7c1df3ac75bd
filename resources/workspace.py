"""Everything a stage works with: the catalog, each tenant's lake, the key of the pseudonyms, the limits.

Belongs here: the one object that is handed to stages, sensors and commands, and how it finds a tenant's lake.
Does not belong here: what a stage does, or reading settings (`dagster_project.settings`).
"""

from dataclasses import dataclass, field
from datetime import date

from resources.catalog import Catalog
from resources.lake import Lake, S3Access
from vitals.raw.container import Limits
from vitals.training.prompts import TOKEN_BUDGET
from vitals.training.tasks.mix import TaskMix
from vitals.training.token_counts import ESTIMATED, TokenCounter
from vitals.validated.file_quality import ScorePolicy
from vitals.validated.pseudonyms import subject_id

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
    """

    catalog: Catalog
    lake_url: str
    subject_key: bytes = field(repr=False)
    s3: S3Access | None = None
    policy: ProcessingPolicy = field(default_factory=ProcessingPolicy)

    def lake(self, tenant: str) -> Lake:
        """The tenant's lake.

        Raises:
            NotFoundError: no such tenant.
        """
        row = self.catalog.tenants.get(tenant)
        root = row.root_url or (
            self.lake_url if tenant == DEFAULT_TENANT else f"{self.lake_url.rstrip('/')}/tenants/{tenant}"
        )
        return Lake(root, s3=self.s3)

    def subject_id(self, tenant: str, external_user: str) -> str:
        """Pseudonym of a person of the tenant."""
        return subject_id(tenant=tenant, external_user=external_user, key=self.subject_key)
