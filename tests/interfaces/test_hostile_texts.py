"""Uploads with hostile names: nothing of them stands in Dagster, and nothing that a terminal or page obeys anywhere."""

import base64
import re
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance
from interfaces.cli.main import app
from sensors.requests import FORENSICS_JOB, LANDING_JOB, LOCAL_DAY_JOB
from tests.flow import TENANT, installation, land
from tests.interfaces.api.serving import client, serving
from tests.meter_uploads import DAY, meter_upload, reading, upload_of

MARK = "zqx"
HOSTILE = (
    f'com.{MARK}a" ![p](/graphql?query=mutation)',
    f"<script>{MARK}b</script>",
    f"[{MARK}c](javascript:alert(1))",
    f"`{MARK}d` | '; DROP TABLE upload; --",
    f"com.{MARK}.of.a.package",
    f"\x1b[2J\x1b]0;{MARK}e\x07",
    f"{MARK}f\u202etxt",
    f"{MARK}g\nline",
    f"{MARK}h\x00",
    f"{MARK}i" * 5_000,
    '{"$' + MARK + '": 1}',
)
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
ANSI_OF_RICH = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    settings, workspace = installation(folder)
    readings = []
    for number, text in enumerate(HOSTILE):
        one = reading(number, app=text)
        one["metadata"] |= {"id": f"{text}-{number}", "device": {"manufacturer": text, "model": text, "type": text}}
        readings.append(one)
    steps = [
        {k: v for k, v in one.items() if k in ("metadata", "appRecordFetchTimeEpochMillis")}
        | {"startTimeEpochMillis": one["timeEpochMillis"], "endTimeEpochMillis": one["timeEpochMillis"] + 600_000}
        | {"startZoneOffsetId": "-05:00", "endZoneOffsetId": "-05:00", "count": 40}
        for one in readings[:5]
    ]
    land(workspace.lake(TENANT), [meter_upload(readings), upload_of("steps", steps)])
    odd = folder / "lake" / "raw" / "StepsRecord" / f"{DAY:%Y/%m/%d}"
    (odd / f"{MARK}\x1b[2J![p](x)<b>.avro").write_bytes(b"x")
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, "CRITICAL")
        from pipeline.registration import utc_now
        from sensors.landed_objects import SensorPolicy, SweepCursor, look

        look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=utc_now())
        assert runner.run(LANDING_JOB, day=DAY, tenant=TENANT).success
        for day in (DAY, DAY - timedelta(days=1)):
            runner.run(LOCAL_DAY_JOB, day=day, tenant=TENANT)
        assert runner.run(FORENSICS_JOB, day=DAY, tenant=TENANT).success
    return settings, workspace


def test_what_is_no_name_is_refused_by_itself_and_the_others_are_records(home):
    _, workspace = home
    found = sorted(row.reason for row in workspace.catalog.quarantine.list(TENANT) if row.row_index is not None)
    assert found == ["control_characters:record_id"] * 4 + ["longer_than_255:record_id"]
    table = workspace.lake(TENANT).table("validated/blood_glucose").collect()
    assert set(table["source_app"]) == {*HOSTILE[:5], HOSTILE[-1]}


def test_nothing_of_them_stands_in_the_history_of_dagster(home):
    settings, _ = home
    with local_instance(settings) as instance:
        runs = instance.get_runs()
        said = [str(run) for run in runs] + [str(entry) for run in runs for entry in instance.all_logs(run.run_id)]
    assert len(said) > 50
    pictures = [
        base64.b64decode(part).decode() for text in said for part in re.findall(r"base64,([A-Za-z0-9+/=]+)", text)
    ]
    assert any("other" in picture for picture in pictures)
    assert not [text for text in [*said, *pictures] if MARK in text]


@pytest.mark.parametrize(
    "command",
    [
        ["status"], ["uploads", "list"], ["quarantine", "list"], ["quarantine", "show", "1"], ["partial", "list"],
        ["forensics", "--all", "--from", str(DAY), "--to", str(DAY)], ["land", f"no \x1b[2J{MARK}.avro"],
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("form", [[], ["--json"]], ids=["table", "json"])
def test_a_terminal_obeys_nothing_of_what_a_command_prints(home, monkeypatch, command, form):
    settings, _ = home
    monkeypatch.setenv("VITALGRAPH_HOME", str(settings.home_path))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", settings.subject_key.get_secret_value())
    done = CliRunner().invoke(app, [*command, *form])
    assert not OBEYED.search(ANSI_OF_RICH.sub("", done.output)), ascii(done.output[:500])
    assert done.exit_code == (2 if command[0] == "land" else 0), done.output[-500:]


class Page(HTMLParser):
    """What a page does: addresses it leads to, and whatever acts by itself."""

    def __init__(self, text):
        super().__init__()
        self.links, self.acts = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in {"href", "src", "action"}:
                self.links.add(value)
            if (
                name.startswith("on")
                or MARK in name
                or re.match(r"\s*(javascript|data|vbscript):", value or "", re.IGNORECASE)
            ):
                self.acts.append((tag, name))
        if MARK in tag or (
            tag in {"script", "iframe", "object", "embed", "base", "meta"} and not self._is_ours(tag, attrs)
        ):
            self.acts.append((tag, ""))

    @staticmethod
    def _is_ours(tag, attrs):
        given = dict(attrs)
        return tag == "meta" or (tag == "script" and str(given.get("src")).startswith("/desk/static/"))


def test_no_page_of_the_desk_does_what_a_name_says_and_none_fails(home):
    settings, workspace = home
    with serving(settings, workspace) as address, client(address, workspace, role="reviewer") as http:
        key = http.headers.pop("authorization").removeprefix("Bearer ")
        front = http.get("/desk/", follow_redirects=True).text
        http.post("/desk/sign-in", data={"key": key, **dict(re.findall(r'name="(\w+)" value="(\w*)"', front))})
        seen, ahead, pages = set(), ["/desk/"], 0
        while ahead and pages < 150:
            path = ahead.pop(0)
            answer = http.get(path, follow_redirects=True)
            assert answer.status_code < 500, path
            if not answer.headers["content-type"].startswith("text/html"):
                continue
            pages += 1
            page = Page(answer.text)
            assert page.acts == [], path
            assert not OBEYED.search(answer.text), path
            new = {one for one in page.links if one.startswith("/desk/") and "/static/" not in one} - seen
            seen |= new
            ahead += sorted(new)
    assert pages > 20


@pytest.mark.parametrize("path", ["/v1/uploads", "/v1/partials", "/v1/quarantine", "/v1/people"])
def test_an_answer_of_the_api_is_data_whatever_the_names_are(home, path):
    settings, workspace = home
    with serving(settings, workspace) as address, client(address, workspace) as http:
        answer = http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert not OBEYED.search(answer.text)
