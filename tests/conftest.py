"""Fixtures for every folder of tests."""

import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from pathlib import Path
from uuid import uuid4

import pytest

from resources.lake.lake import Lake
from tests.servers.s3 import S3Server, s3_server

with redirect_stderr(sys.__stderr__):
    # absl (of mlcroissant) keeps the stderr that it is imported under, and closes it when Dagster replaces the handlers
    # of logging: pytest's own, were it not imported here. The process's it leaves open.
    import absl.logging  # noqa: F401

LakeFactory = Callable[[], Lake]


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3-protocol server of this session."""
    with s3_server() as server:
        yield server


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.integration)])
def reopen_lake(request: pytest.FixtureRequest, tmp_path: Path) -> LakeFactory:
    """Opens one and the same empty lake, in each kind of store."""
    if request.param == "local":
        return lambda: Lake((tmp_path / "lake").as_uri())
    server: S3Server = request.getfixturevalue("s3")
    root = f"{server.root_url}/{uuid4().hex}"
    return lambda: Lake(root, s3=server.access)


@pytest.fixture
def lake(reopen_lake: LakeFactory) -> Lake:
    """An empty lake, in each kind of store."""
    return reopen_lake()
