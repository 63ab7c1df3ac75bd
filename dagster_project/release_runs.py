"""Building a release in this process, as a run that the UI shows like any other.

Belongs here: from a specification to a recorded run, and from its failure back to an error.
Does not belong here: building (`pipeline.release.releases`), options and printing (`cli.datasets`).
"""

from typing import Any

from assets.release import RELEASE_KEY
from dagster_project.dead_runs import end_dead_runs, process_tags
from dagster_project.definitions import build_definitions
from dagster_project.execution import local_instance, raise_interrupt, why_failed
from dagster_project.settings import Settings
from sensors.requests import RELEASE_JOB, TENANT_TAG
from vitals.errors import PermanentError
from vitals.release.spec import ReleaseSpec


def run_release(settings: Settings, spec: ReleaseSpec) -> str:
    """Run the release asset with a specification; the id of the run.

    A release that its gates block is a run that succeeded: the catalog and the checks say what is wrong.

    Raises:
        PermanentError: the run failed.
    """
    config: dict[str, Any] = {
        "ops": {"__".join(RELEASE_KEY.path): {"config": spec.as_json()}},
        # Whoever builds from a command is told why in one sentence; the run in the UI has the rest.
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    with local_instance(settings) as instance:
        end_dead_runs(instance)
        result = raise_interrupt(
            build_definitions(settings)
            .resolve_job_def(RELEASE_JOB)
            .execute_in_process(
                instance=instance,
                run_config=config,
                tags={TENANT_TAG: spec.tenant, **process_tags()},
                raise_on_error=False,
            )
        )
    if not result.success:
        raise _failure(why_failed(result), spec, result.run_id)
    return result.run_id


def _failure(said: str, spec: ReleaseSpec, run_id: str) -> PermanentError:
    """The failure of a run as one sentence: an error of the build says itself what could not be done, on what."""
    opening = f"could not build the release ({spec.release_id}): "
    remedy = f"See run {run_id} in the UI."
    if not said.startswith(opening):
        return PermanentError(
            "build the release", spec.release_id, said.removesuffix(remedy).strip().rstrip("."), remedy
        )
    why, _, what_to_do = said.removeprefix(opening).partition(". ")
    return PermanentError("build the release", spec.release_id, why, what_to_do)
