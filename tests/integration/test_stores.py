"""The same uploads give the same bytes, wherever the lake and the catalog are: folder or S3, SQLite or PostgreSQL."""

import pytest

from tests.flow import CameOut, came_out, installation, land, run_stages, unbalanced
from tests.servers.postgresql import PostgresqlServer
from tests.servers.s3 import S3Server
from tests.small_cohort import uploads

pytest_plugins = ["tests.servers.catalogs"]

pytestmark = pytest.mark.integration


def flow(workspace) -> CameOut:
    land(workspace.lake("default"), uploads())
    run_stages(workspace)
    assert unbalanced(workspace) == []
    return came_out(workspace)


@pytest.fixture(scope="module")
def in_a_folder(tmp_path_factory) -> CameOut:
    _, workspace = installation(tmp_path_factory.mktemp("folder"))
    return flow(workspace)


def test_a_lake_on_s3_ends_in_the_bytes_of_a_local_folder(tmp_path, s3: S3Server, in_a_folder):
    _, workspace = installation(
        tmp_path,
        lake=f"{s3.root_url}/flow",
        s3_endpoint_url=s3.access.endpoint_url,
        s3_access_key_id=s3.access.access_key_id,
        s3_secret_access_key=s3.access.secret_access_key,
    )
    assert flow(workspace) == in_a_folder


def test_a_catalog_on_postgresql_ends_in_the_bytes_of_sqlite(
    tmp_path, postgresql_server: PostgresqlServer, in_a_folder
):
    postgresql_server.execute("CREATE DATABASE flow")
    _, workspace = installation(tmp_path, catalog=postgresql_server.url("flow"))
    assert flow(workspace) == in_a_folder
