"""Building a release in this process, as a run that the UI shows like any other.

Belongs here: from a specification to a recorded run, and from its failure back to an error.
Does not belong here: building (`assets.stages.releases`), options and printing (`cli.datasets`).
"""

from typing import Any

from assets.release import RELEASE_KEY
from dagster_project.definitions import build_definitions
from dagster_project.execution import local_instance, why_failed
from dagster_project.settings import Settings
from sensors.requests import RELEASE_JOB, TENANT_TAG
from vitals.errors import PermanentError
from vitals.training.release.spec import ReleaseSpec


def run_release(settings: Settings, spec: ReleaseSpec) -> str:
    """Run the release asset with a specification; the id of the run.

    A release that its gates block is a run that succeeded: the catalog and the checks say what is wrong.

    Raises:
        PermanentError: the run failed.
    """
    config: dict[str, Any] = {
        "ops": {"__".join(RELEASE_KEY.path): {"config": spec.as_json()}},
        "loggers": {"console": {"config": {"log_level": settings.log_level}}},
    }
    with local_instance(settings) as instance:
        result = (
            build_definitions(settings)
            .resolve_job_def(RELEASE_JOB)
            .execute_in_process(
                instance=instance, run_config=config, tags={TENANT_TAG: spec.tenant}, raise_on_error=False
            )
        )
    if not result.success:
        why = why_failed(result).rstrip(".")
        raise PermanentError("build the release", spec.release_id, why, f"See run {result.run_id} in the UI.")
    return result.run_id
