"""Whatever is sent, the API answers within its own description and never with a fault of its own."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from interfaces.api.app import build_app
from operations.completions import require_context
from tests.flow import installation, land, run_stages
from tests.small_cohort import uploads
from tests.waiting import file_of, finger_pricks

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The application with data, and an admin's key."""
    from datetime import UTC, datetime

    given, workspace = installation(tmp_path_factory.mktemp("contract"), api_requests_per_minute=10**6)
    demanded = {"kind": "blood_glucose", "fields": ["specimen_source"]}
    require_context(workspace, tenant="default", **demanded, actor="study", reason="the protocol")
    land(workspace.lake("default"), [*list(uploads())[:20], file_of(finger_pricks("prick", 3), user="anna")])
    run_stages(workspace)
    key = workspace.catalog.tokens.create("default", name="fuzz", role="admin", now=datetime.now(UTC))
    schema = schemathesis.openapi.from_asgi("/v1/openapi.json", build_app(given, workspace, hosts=("testserver",)))
    schema.config.headers = {"Authorization": f"Bearer {key}"}
    return schema


@settings(max_examples=40, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def every_answer_fits(operation, data):
    data.draw(operation.as_strategy()).call_and_validate(checks=CHECKS)


def test_any_request_that_fits_the_description_gets_an_answer_that_fits_it_too(described):
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 25
    for operation in operations:
        every_answer_fits(operation)
