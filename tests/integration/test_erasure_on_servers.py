"""Erasure with the catalog and Dagster's storage on PostgreSQL and the lake on S3: nothing of the person is left there."""

import re
import zlib
from datetime import date
from pathlib import Path

import boto3
import orjson
import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance
from dagster_project.installation import INSTANCE_FILE
from dagster_project.settings import daemon_environment
from interfaces.cli.main import app
from operations.erasure.search import is_nothing
from pipeline.registration import register
from pipeline.release.releases import release
from sensors.requests import LANDING_JOB
from tests.dagster_project.test_run_history import sensor_at
from tests.erasure_study import APP, TITLE, USER, lines_of, needles, others, people_of, spec, uploads
from tests.every_byte import hits
from tests.flow import TENANT, installation, land, run_stages, unbalanced
from tests.servers.postgresql import PostgresqlServer
from tests.servers.s3 import BUCKET, S3Server
from vitals.certificate import faults
from vitals.raw.owners import is_theirs

pytest_plugins = ["tests.servers.catalogs"]
pytestmark = pytest.mark.integration

PEOPLE = 3
PREFIX = "erasure"
DEPLOYED = Path(__file__).parents[2] / "deploy" / "dagster-postgresql.yaml"


@pytest.fixture
def dagster_on_postgresql(postgresql_server: PostgresqlServer, monkeypatch, tmp_path) -> None:
    """The instance file of the home as an operator makes it, with the storage of a deployment."""
    postgresql_server.execute("CREATE DATABASE erasure_dagster")
    storage = re.sub(r"port: \d+", f"port: {postgresql_server.port}", DEPLOYED.read_text())
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "dagster.yaml").write_text(f"{INSTANCE_FILE.read_text()}\n{storage}")
    for name, value in {
        "USER": "vitalgraph", "PASSWORD": postgresql_server.password, "HOST": "127.0.0.1", "DB": "erasure_dagster"
    }.items():  # fmt: skip
        monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", value)


@pytest.fixture
def installed(tmp_path, s3: S3Server, postgresql_server: PostgresqlServer, dagster_on_postgresql, monkeypatch):
    postgresql_server.execute("CREATE DATABASE erasure_catalog")
    settings, workspace = installation(
        tmp_path / "home",
        catalog=postgresql_server.url("erasure_catalog"),
        lake=f"{s3.root_url}/{PREFIX}",
        s3_endpoint_url=s3.access.endpoint_url,
        s3_access_key_id=s3.access.access_key_id,
        s3_secret_access_key=s3.access.secret_access_key,
    )
    for name, value in daemon_environment(settings).items():
        monkeypatch.setenv(name, value)
    yield settings, workspace
    workspace.catalog.close()


class Stores:
    """Everything that the servers hold, as files of a folder."""

    def __init__(self, s3: S3Server, server: PostgresqlServer) -> None:
        self.server = server
        self.client = boto3.client(
            "s3",
            endpoint_url=s3.access.endpoint_url,
            region_name=s3.access.region,
            aws_access_key_id=s3.access.access_key_id,
            aws_secret_access_key=s3.access.secret_access_key,
        )

    def dump(self, folder: Path) -> Path:
        """Every object and every table, what the database samples of values among them."""
        for key, data in self.objects().items():
            file = folder / "bucket" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
        for database in ("erasure_catalog", "erasure_dagster"):
            for table, text in self._tables(database):
                file = folder / database / table
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="latin-1", errors="backslashreplace")
        return folder

    def objects(self) -> dict[str, bytes]:
        """Key to bytes; nobody has left a part of an upload."""
        assert "Uploads" not in self.client.list_multipart_uploads(Bucket=BUCKET)
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=f"{PREFIX}/")
        keys = [found["Key"] for page in pages for found in page.get("Contents", ())]
        return {key: self.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}

    def _tables(self, database: str):
        with psycopg.connect(self.server.url(database), autocommit=True) as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            assert len(names) > 10
            for name in [*(found for (found,) in names), "pg_stats"]:
                rows = connection.execute(f'SELECT * FROM "{name}"').fetchall()
                yield name, "\n".join(repr(row) + "".join(map(_inflated, row)) for row in rows)


def _inflated(value: object) -> str:
    if not isinstance(value, bytes):
        return ""
    try:
        return zlib.decompress(value).decode("latin-1")
    except zlib.error:
        return value.decode("latin-1")


def rows_of_others(workspace) -> dict[str, list]:
    """Rows of everybody else, by table."""
    lake, subject_id = workspace.lake(TENANT), workspace.subject_id(TENANT, USER)
    found = {}
    for table in [*lake.tables_below("validated/"), *lake.tables_below("clinical/")]:
        rows = lake.table(table).collect()
        found[table] = sorted(rows.filter(pl.col("subject_id") != subject_id).rows(), key=repr)
    return found


def run_cli(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_of_three_people_on_servers_one_is_erased_and_nothing_of_that_one_is_left_there(
    tmp_path, installed, s3, postgresql_server
):
    settings, workspace = installed
    lake, stores = workspace.lake(TENANT), Stores(s3, postgresql_server)
    land(lake, uploads(PEOPLE))
    register(workspace, tenant=TENANT, listed=lake.objects("raw/"), today=date(2025, 9, 16))
    with local_instance(settings) as instance:
        # Where a sweep of the bucket was interrupted: at an object of the person.
        instance.add_instigator_state(sensor_at(next(key for key, _ in uploads(PEOPLE) if is_theirs(key, USER))))
        runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
        assert runner.run(LANDING_JOB, day=date(2025, 9, 15), tenant=TENANT).success
    run_stages(workspace)
    assert release(workspace, spec("days", "none"), run_id=None).published
    sought, kept, rows = needles(workspace), others(workspace), rows_of_others(workspace)
    before = stores.dump(tmp_path / "before")
    found = hits(before, sought)
    assert set(found) >= {USER, TITLE, APP, workspace.subject_id(TENANT, USER)}
    assert {name.split("/")[0] for names in found.values() for name in names} == {
        "bucket", "erasure_catalog", "erasure_dagster"
    }  # fmt: skip
    assert (before / "erasure_dagster" / "event_logs").stat().st_size > 10_000

    done = run_cli("subject", "forget", USER, "--certificate", str(tmp_path / "certificate.json"))
    assert done.exit_code == 0, done.output
    assert hits(stores.dump(tmp_path / "after"), sought) == {}
    assert hits(settings.home_path, sought) == {}
    assert others(workspace) == kept == lines_of(workspace)
    assert rows_of_others(workspace) == rows
    assert unbalanced(workspace) == []
    assert people_of(workspace) == PEOPLE - 1
    raw = {key: data for key, data in uploads(PEOPLE) if not is_theirs(key, USER)}
    assert {found.key: lake.read_object(found.key) for found in lake.objects("raw/")} == raw
    versions = {row.version: row for row in workspace.catalog.datasets.list(TENANT)}
    assert {name: row.state for name, row in versions.items()} == {"1.0": "tombstoned", "1.0-e1": "published"}
    certificate = (tmp_path / "certificate.json").read_bytes()
    assert faults(certificate, public_key=None) == []
    assert is_nothing(orjson.loads(certificate)["left"])

    again = [one for one in uploads(PEOPLE) if is_theirs(one[0], USER)]
    land(lake, again)
    run_stages(workspace)
    assert hits(stores.dump(tmp_path / "again"), sought) == {}
    refused = workspace.catalog.uploads.list(TENANT, states=["quarantined"])
    assert sum(upload.reason == "erased_subject" for upload in refused) == len(again)
    assert lines_of(workspace) == kept
