"""Errors of the stores: which may pass on a retry, and that they carry neither keys nor rows."""

import http.server
import threading
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from deltalake.exceptions import CommitFailedError, DeltaError
from obstore.exceptions import GenericError

from resources.lake import access as lake_access
from resources.lake.errors import attempt, translate
from resources.lake.lake import Lake, ReadFailure, S3Access
from tests.servers.s3 import S3Server, free_port
from vitals.errors import NotFoundError, PermanentError, TransientError, UsageError, VitalgraphError

PERSON = "ann.example"
KEY = f"raw/StepsRecord/2025/09/20/{PERSON}_1758407139312_h.avro"
ROWS = "2 rows failed validation check.\nPreview of invalid data:\n| glucose | 123 |"


class Answers(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the key names: `…/status-403-AccessDenied`."""

    def do_GET(self) -> None:
        status, _, code = self.path.partition("status-")[2].partition("-")
        body = f"<Error><Code>{code}</Code><Message>{PERSON}</Message></Error>".encode() if status else b"good"
        self.send_response(int(status or 200))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Last-Modified", "Sat, 20 Sep 2025 00:00:00 GMT")
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(body)

    do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lake]:
    """A lake in a store that answers what the key asks for."""
    monkeypatch.setattr(lake_access, "REQUEST_RETRIES", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Lake("s3://bucket", s3=access(server.server_port))
        server.shutdown()


def access(port: int) -> S3Access:
    return S3Access(
        endpoint_url=f"http://127.0.0.1:{port}",
        region="x",
        access_key_id="k",
        secret_access_key="s",
        allow_http=True,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("503-SlowDown", TransientError),
        ("500-InternalError", TransientError),
        ("429-TooManyRequests", TransientError),
        ("409-ConditionalRequestConflict", TransientError),
        ("403-AccessDenied", PermanentError),
        ("401-Unauthorized", PermanentError),
        ("400-InvalidRequest", PermanentError),
        ("404-NoSuchBucket", PermanentError),
        ("404-NoSuchKey", NotFoundError),
    ],
)
def test_an_answer_of_the_store_is_worth_a_retry_or_it_is_not(answering: Lake, status: str, kind: type) -> None:
    key = f"{KEY}/status-{status}"
    with pytest.raises(VitalgraphError) as failed:
        answering.read_object(key)
    assert type(failed.value) is kind
    shown = "".join(traceback.format_exception(failed.value))
    assert PERSON not in shown
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None
    if "NoSuch" not in status:
        assert status.replace("-", " ") in str(failed.value)


def test_an_object_that_is_refused_or_busy_does_not_hold_up_its_siblings(answering: Lake) -> None:
    keys = ["raw/status-403-AccessDenied", "raw/good", "raw/status-503-SlowDown", "raw/status-404-NoSuchKey"]
    found = answering.read_objects(keys)
    assert found[keys[1]] == b"good"
    failures = [found[key] for key in keys if key != keys[1]]
    assert [failure.kind for failure in failures if isinstance(failure, ReadFailure)] == [
        "denied",
        "transient",
        "missing",
    ]


def test_a_store_that_refuses_everything_is_an_error_of_the_configuration(answering: Lake) -> None:
    with pytest.raises(PermanentError, match="access is denied"):
        answering.read_objects([f"raw/{number}/status-403-AccessDenied" for number in range(3)])


def test_a_store_that_cannot_be_reached_may_be_back_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lake_access, "REQUEST_RETRIES", 1)
    lake = Lake("s3://bucket", s3=access(free_port()))
    frame = pl.DataFrame({"value": [1], "day": [date(2025, 9, 20)]})
    for call in (
        lambda: lake.read_object(KEY),
        lambda: lake.write_object(KEY, b""),
        lambda: lake.head(KEY),
        lambda: list(lake.objects("raw")),
        lambda: lake.folders("raw"),
        lambda: lake.version("validated/x"),
        lambda: lake.scan("validated/x", schema=frame.schema),
        lambda: lake.append("validated/x", frame, partition_by="day"),
    ):
        with pytest.raises(TransientError) as failed:
            call()
        assert PERSON not in "".join(traceback.format_exception(failed.value))
    found = lake.read_objects([KEY])
    assert isinstance(found[KEY], ReadFailure)
    assert found[KEY].kind == "transient"


@pytest.mark.integration
def test_a_bucket_that_does_not_exist_is_not_an_empty_lake(s3: S3Server) -> None:
    lake = Lake("s3://no-such-bucket", s3=s3.access)
    for call in (
        lambda: lake.read_object(KEY),
        lambda: lake.write_object(KEY, b""),
        lambda: list(lake.objects("raw")),
        lambda: lake.folders("raw"),
        lambda: lake.read_objects([KEY]),
        lambda: lake.scan("validated/x", schema=pl.Schema({"day": pl.Date})),
    ):
        with pytest.raises(PermanentError, match="bucket does not exist"):
            call()


def test_a_damaged_table_is_not_an_empty_one(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    log = tmp_path / "validated" / "x" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("garbage")
    with pytest.raises(PermanentError, match="validated/x"):
        lake.scan("validated/x", schema=pl.Schema({"day": pl.Date}))


def test_a_file_in_the_place_of_a_folder_is_reported_without_the_key(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.write_object("raw/StepsRecord", b"")
    with pytest.raises(PermanentError) as failed:
        lake.write_object(KEY, b"")
    assert PERSON not in str(failed.value)
    with pytest.raises(PermanentError):
        Lake((tmp_path / "raw" / "StepsRecord" / "deeper").as_uri())


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(28, "No space left on device"), TransientError),
        (GenericError("Generic LocalFileSystem error: No space left on device (os error 28)"), TransientError),
        (PermissionError(13, f"Permission denied: {KEY}"), PermanentError),
        (OSError(30, "Read-only file system"), PermanentError),
        (FileNotFoundError(2, KEY), NotFoundError),
        (CommitFailedError("Metadata changed since last commit."), TransientError),
        (GenericError("Error performing PUT http://169.254.169.254/latest/api/token"), PermanentError),
        (DeltaError(ROWS), PermanentError),
        (pl.exceptions.ComputeError(ROWS), PermanentError),
    ],
)
def test_a_failure_without_an_answer_is_worth_a_retry_or_it_is_not(error: Exception, kind: type) -> None:
    failure = translate(error, attempted="write the table", where="validated/x")
    assert type(failure) is kind
    assert "glucose" not in str(failure)
    assert "123" not in str(failure)
    assert PERSON not in str(failure)


def test_the_first_line_of_a_table_error_is_shown_without_values() -> None:
    failure = translate(DeltaError("Cannot cast string 'secret' to 12 at /home/ann"), attempted="a", where="b")
    assert "Cannot cast string … to … at …" in str(failure)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), UsageError("a", "b", "c", "d"), ZeroDivisionError()], ids=repr)
def test_what_is_not_the_libraries_is_left_alone(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as failed:
        attempt(fail, attempted="a", where="b")
    assert failed.value is error


def test_a_panic_of_a_library_is_an_error_like_any_other() -> None:
    class PanicException(BaseException):
        __module__ = "pyo3_runtime"

    def fail() -> None:
        raise PanicException(KEY)

    with pytest.raises(PermanentError, match="panicked") as failed:
        attempt(fail, attempted="read the object", where="raw/x")
    assert PERSON not in str(failed.value)
