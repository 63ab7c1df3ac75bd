"""Building releases from a lake of made-up lines: leaks are kept out or block, bytes repeat, nobody moves."""

import re
from collections import Counter
from datetime import UTC, date, datetime

import orjson
import polars as pl
import pytest

from operations.release_withdrawal import withdraw
from pipeline.release import build as release_build
from pipeline.release import releases
from pipeline.release.build import build
from pipeline.release.export import export
from pipeline.release.reading import compare, read_manifest, verify
from pipeline.release.releases import release, reproduce
from tests.flow import TENANT, installation
from tests.vitals.release.released_lines import training_lines
from vitals.errors import ConflictError, NotFoundError, PermanentError, TransientError, UsageError
from vitals.record_types import STEPS
from vitals.release.manifest import MANIFEST
from vitals.release.rare_sources import apps_of
from vitals.release.received import SUMS, verify_folder
from vitals.release.spec import read_spec
from vitals.release.splits import Sides

MINIMAL = {
    "name": "days",
    "version": "1",
    "license": "cc-by-4.0",
    "profile": "none",
    "provisional": True,
    "validation_share": 0.3,
    "test_share": 0.3,
    "formats": ["text", "messages"],
}


def spec(**changes):
    # A de-identified release takes no day that is still open.
    values = {**MINIMAL, **changes}
    return read_spec(values | ({"provisional": False} if values["profile"] == "standard" else {}))


class Study:
    """An installation whose training lines are written by hand."""

    def __init__(self, home):
        self.settings, self.workspace = installation(home)
        self.lake = self.workspace.lake(TENANT)

    def users(self, subject_ids):
        from datetime import UTC, datetime

        users = {f"user-{subject[:12]}": subject for subject in subject_ids}
        self.workspace.catalog.subjects.ensure(TENANT, users, now=datetime(2025, 1, 1, tzinfo=UTC))

    def write(self, lines, *, known=None):
        files = {}
        for line in lines:
            metadata = line["metadata"]
            day = metadata["local_date"]
            key = f"training/{metadata['training_category']}/{day[:4]}/{day[5:7]}/health_journal_{day.replace('-', '_')}.jsonl"
            files.setdefault(key, []).append(orjson.dumps(line, option=orjson.OPT_SORT_KEYS))
        for key, content in files.items():
            self.lake.write_object(key, b"\n".join(content) + b"\n")
        self.users({line["metadata"]["subject_id"] for line in lines} if known is None else known)

    def release(self, **changes):
        return release(self.workspace, spec(**changes), run_id=None)

    def files(self, name="days", version="1"):
        root = f"releases/{name}/{version}/"
        return {found.key.removeprefix(root): self.lake.read_object(found.key) for found in self.lake.objects(root)}

    def sides(self, version="1"):
        files = self.files(version=version)
        return {
            orjson.loads(line)["id"]: side
            for side in ("train", "validation", "test")
            for line in files.get(f"ids/text/{side}.jsonl", b"").splitlines()
        }

    def row(self, version="1"):
        return self.workspace.catalog.datasets.get(TENANT, "days", version)


@pytest.fixture
def study(tmp_path):
    return Study(tmp_path / "home")


LINES = training_lines(persons=10, days=2, seed=1, kinds=("sleep",))


def shown(line):
    return orjson.dumps(line).decode()


def subject(line):
    return line["metadata"]["subject_id"]


def test_a_release_holds_every_line_that_passes_and_the_catalog_knows_who_is_in_it(study):
    study.write(LINES)
    made = study.release()
    assert made.published
    assert set(study.sides()) == {line["id"] for line in LINES}
    row = study.row()
    assert (row.state, row.examples, row.people) == ("published", len(LINES), 10)
    assert study.workspace.catalog.datasets.contributors(row.id) == Counter(map(subject, LINES))


def test_no_file_of_a_deidentified_release_names_a_person_or_an_upload(study):
    study.write(LINES)
    assert study.release(profile="standard").published
    people = study.workspace.catalog.subjects.subject_ids(TENANT)
    uploads = {key for line in LINES for key in line["metadata"]["source_s3_keys_sha256"]}
    assert uploads
    canaries = {*people, *people.values(), *uploads, *(line["id"] for line in LINES)}
    for path, content in study.files().items():
        assert not [canary for canary in canaries if canary.encode() in content], path


def test_a_report_on_reidentification_stands_beside_the_release_and_not_in_it(study):
    study.write(LINES)
    study.release(profile="standard")
    found = orjson.loads(study.lake.read_object(releases.risk_key("days", "1")))
    row = study.row()
    assert (found["persons"], found["examples"]) == (row.people, row.examples)
    assert 0 < row.examples < len(LINES)
    assert not any("reidentification" in path for path in study.files())


def test_two_builds_have_the_same_bytes_whatever_the_order_of_lines(study, tmp_path):
    study.write(LINES)
    study.release(profile="standard")
    other = Study(tmp_path / "other")
    other.write([*reversed(LINES)])
    other.release(profile="standard")
    ours, theirs = study.files(), other.files()
    # The order of lines within the inputs is part of what the manifest says of them, and of nothing else.
    documents = [orjson.loads(files.pop(MANIFEST)) for files in (ours, theirs)]
    assert documents[0]["inputs"].pop("sha256") != documents[1]["inputs"].pop("sha256")
    assert documents[0] == documents[1]
    assert ours.pop(SUMS) != theirs.pop(SUMS)
    assert ours == theirs


def test_a_release_is_built_again_from_its_manifest_byte_by_byte(study):
    study.write(LINES)
    study.release(profile="standard", households=[[subject(LINES[0]), subject(LINES[-1])]])
    document = orjson.loads(study.files()[MANIFEST])
    assert reproduce(study.workspace, document) == []


def test_what_keeps_a_manifest_from_being_reproduced_is_named(study):
    study.write(LINES)
    study.release()
    document = read_manifest(study.lake, "days", "1")
    study.write([line for line in LINES if line["metadata"]["local_date"] != LINES[0]["metadata"]["local_date"]])
    for found in list(study.lake.objects("training/")):
        if found.key.endswith(f"{LINES[0]['metadata']['local_date'].replace('-', '_')}.jsonl"):
            study.lake.delete_objects([found.key])
    found = reproduce(study.workspace, document)
    assert any(difference.startswith("inputs/sha256") for difference in found)
    assert any(difference.startswith("fates/read") for difference in found)
    assert [one.startswith("files/") for one in found] == sorted(one.startswith("files/") for one in found)


def test_a_manifest_that_somebody_changed_is_refused(study):
    study.write(LINES)
    study.release()
    document = read_manifest(study.lake, "days", "1")
    for change in ({"spec": {**document["spec"], "min_quality": 0.5}}, {"manifest": 9}, {"spec_sha256": "0"}):
        with pytest.raises(UsageError):
            reproduce(study.workspace, {**document, **change})
    with pytest.raises(UsageError):
        reproduce(study.workspace, {"spec": document["spec"]})


def test_what_is_published_cannot_be_built_again(study):
    study.write(LINES)
    study.release()
    before = study.files()
    with pytest.raises(ConflictError):
        study.release(license="mit")
    assert study.files() == before


def test_adding_a_hundred_people_moves_nobody(study):
    study.write(LINES)
    study.release()
    others = training_lines(persons=100, days=1, seed=77, kinds=("sleep",))
    assert not {*map(subject, others)} & {*map(subject, LINES)}
    days = {line["metadata"]["local_date"] for line in others}
    same_file = [line for line in LINES if line["metadata"]["local_date"] in days]
    study.write([*same_file, *others])
    study.release(version="2")
    before, after = study.sides(), study.sides("2")
    assert len(after) > len(before)
    kept = before.keys() & after.keys()
    assert len(kept) >= 0.95 * len(before)
    assert {id_: before[id_] for id_ in kept} == {id_: after[id_] for id_ in kept}


def test_filters_cap_and_counts_agree_with_what_is_released(study):
    study.write(LINES)
    day = max(line["metadata"]["local_date"] for line in LINES)
    made = study.release(tasks=["question"], categories=["sleep_recovery"], first_day=day, max_examples_per_person=1)
    expected = [
        line
        for line in LINES
        if line["metadata"]["task"] == "question"
        and line["metadata"]["training_category"] == "sleep_recovery"
        and line["metadata"]["local_date"] == day
    ]
    released = [line for line in LINES if line["id"] in study.sides()]
    assert {subject(line) for line in released} == {subject(line) for line in expected}
    assert set(Counter(map(subject, released)).values()) == {1}
    assert made.fates["beyond_cap"] == len(expected) - len(released)
    assert made.fates["read"] == sum(count for fate, count in made.fates.items() if fate != "read")


def test_quality_provisional_days_and_licences_of_apps_are_kept_out(study):
    lines = [orjson.loads(orjson.dumps(line)) for line in LINES]
    for line in lines:
        line["metadata"] |= {"provisional": False, "quality_score": 0.9}
    lines[0]["metadata"]["quality_score"] = 0.4
    lines[1]["metadata"]["provisional"] = True
    study.write(lines)
    made = study.release(min_quality=0.5, provisional=False)
    assert (made.fates["low_quality"], made.fates["provisional"]) == (1, 1)
    barred, title = "com.ouraring.oura", "Oura"
    apps = {app for line in lines for app in apps_of(line)} - {barred}
    rows = [{**dict.fromkeys(STEPS.columns), "source_app": app, "utc_date": date(2025, 3, 3)} for app in sorted(apps)]
    frame = pl.DataFrame(rows, schema=pl.Schema(STEPS.columns), orient="row")
    study.lake.append("validated/steps", frame, partition_by="utc_date")
    made = study.release(version="2", source_apps=sorted(apps))
    with_it = sum(barred in text or title in text for text in map(shown, lines))
    assert made.fates["source_not_licensed"] == with_it > 0
    assert not any(found.failures for found in made.gates if found.name == "sources")
    for path, content in study.files(version="2").items():
        assert not path.endswith(".jsonl") or not {barred, title} & set(re.findall(r"[\w.]+", content.decode())), path


def test_lines_of_an_erased_person_are_left_out(study):
    gone = subject(LINES[0])
    study.write(LINES, known={*map(subject, LINES)} - {gone})
    made = study.release()
    assert made.published
    assert made.fates["erased_person"] == sum(subject(line) == gone for line in LINES)
    assert gone not in study.workspace.catalog.datasets.contributors(study.row().id)


def sides_of(people):
    sides = Sides(spec(), key=b"a key for tests only, of no worth")
    return {side: sorted(p for p in people if sides.of(p) == side) for side in ("train", "validation", "test")}


def test_a_near_duplicate_is_left_out_of_the_lighter_side(study):
    by_side = sides_of({*map(subject, LINES)})
    original = max((line for line in LINES if subject(line) in by_side["test"]), key=lambda line: len(line["output"]))
    thief = by_side["train"][0]
    copied = orjson.loads(orjson.dumps(original))
    copied["metadata"]["subject_id"], copied["id"] = thief, "f" * 64
    study.write([*LINES, copied])
    made = study.release()
    assert made.published
    assert made.fates["near_duplicate"] == 1
    assert "f" * 64 not in study.sides()
    assert study.sides()[original["id"]] == "test"


def test_examples_on_a_shared_record_are_left_out_of_the_lighter_side(study):
    lines = training_lines(persons=10, days=2, seed=1, kinds=("steps",))
    by_side = sides_of({*map(subject, lines)})
    light, heavy = by_side["train"][0], by_side["test"][0]
    study.write(lines)
    day = date.fromisoformat(lines[0]["metadata"]["local_date"])
    columns = pl.Schema(STEPS.columns)
    empty = dict.fromkeys(columns.names())
    rows = [{**empty, "subject_id": p, "record_id": "r" * 20, "utc_date": day} for p in (light, heavy)]
    study.lake.append("validated/steps", pl.DataFrame(rows, schema=columns, orient="row"), partition_by="utc_date")
    built = build_only(study, spec())
    spoiled = sum(subject(line) == light for line in lines)
    assert built.fates["shared_record"] == spoiled > 0
    assert light not in {entry.person for entry in built.entries}
    assert heavy in {entry.person for entry in built.entries}


def build_only(study, wanted):
    from pathlib import Path
    from tempfile import mkdtemp

    return build(study.workspace, wanted, Path(mkdtemp(dir=study.settings.home_path)))


@pytest.mark.parametrize("what", ["person", "near-duplicate", "record", "text", "user"])
def test_a_leak_that_the_builder_would_let_through_blocks_and_nothing_is_published(study, monkeypatch, what):
    lines = training_lines(persons=10, days=2, seed=1, kinds=("steps",))
    by_side = sides_of({*map(subject, lines)})
    light, heavy = by_side["train"][0], by_side["test"][0]
    gate = "splits"
    if what == "person":

        class Wavering(Sides):
            def of(self, person):
                self.calls = getattr(self, "calls", 0) + 1
                return ("train", "test")[self.calls % 2] if person == light else super().of(person)

        monkeypatch.setattr(release_build, "Sides", Wavering)
    elif what == "near-duplicate":
        original = next(line for line in lines if subject(line) == heavy)
        copied = orjson.loads(orjson.dumps(original))
        copied["metadata"]["subject_id"], copied["id"] = light, "f" * 64
        lines = [*lines, copied]
        monkeypatch.setattr(release_build, "spoiled_by_others", lambda *_: set())
    elif what == "record":
        day = date.fromisoformat(lines[0]["metadata"]["local_date"])
        rows = [
            {**dict.fromkeys(STEPS.columns), "subject_id": p, "record_id": "r" * 20, "utc_date": day}
            for p in (light, heavy)
        ]
        frame = pl.DataFrame(rows, schema=pl.Schema(STEPS.columns), orient="row")
        study.lake.append("validated/steps", frame, partition_by="utc_date")
        monkeypatch.setattr(release_build, "spoiled_days", lambda *_: set())
    elif what == "text":
        gate = "grounding"
        lines = [orjson.loads(orjson.dumps(line)) for line in lines]
        plain = next(line for line in lines if line["rejected"] is None)
        plain["output"] += " The day had 123,456 steps."
        plain["messages"][1]["content"] = plain["output"]
    else:
        gate = "identifiers"
        lines = [orjson.loads(orjson.dumps(line)) for line in lines]
        lines[3]["metadata"]["withheld"] = [{"metric": "x", "reason": f"user-{heavy[:12]} said so"}]
    study.write(lines)
    made = study.release()
    assert not made.published
    assert gate in {found.name for found in made.gates if not found.passed}
    assert study.row().state == "blocked"
    assert any(reason.startswith(f"{gate}: ") for reason in study.row().reasons)
    assert study.files() == {}
    with pytest.raises(ConflictError):
        verify(study.workspace, tenant=TENANT, name="days", version="1")


def test_a_blocked_version_may_be_built_again(study, monkeypatch):
    bad = [orjson.loads(orjson.dumps(line)) for line in LINES]
    bad[0]["output"] += " The mean was 987 mg/dL."
    study.write(bad)
    assert not study.release().published
    study.write(LINES)
    assert study.release().published
    assert study.row().reasons == []


def test_a_release_without_lines_is_an_error_that_says_why(study):
    study.write(LINES)
    with pytest.raises(PermanentError, match="outside of days"):
        study.release(last_day="2001-01-01")
    row = study.row()
    assert (row.state, len(row.reasons)) == ("failed", 1)
    assert row.reasons[0].startswith("no line is left to release")


def test_a_crash_before_the_catalog_says_so_publishes_nothing_and_can_be_repeated(study, monkeypatch):
    study.write(LINES)
    real = releases._publish

    def dies(lake, wanted, built, *, risk):
        real(lake, wanted, built, risk=risk)
        raise OSError("the machine is gone")

    monkeypatch.setattr(releases, "_publish", dies)
    with pytest.raises(OSError, match="gone"):
        study.release()
    assert (study.row().state, study.row().reasons) == ("failed", ["an unexpected OSError"])
    assert study.files() == {}
    monkeypatch.setattr(releases, "_publish", real)
    assert study.release(formats=["alpaca"]).published
    assert not any(path.startswith("data/text") for path in study.files())


def test_a_published_release_verifies_and_any_changed_missing_or_added_file_is_named(study):
    study.write(LINES)
    study.release()

    def found():
        return verify(study.workspace, tenant=TENANT, name="days", version="1")

    assert all(gate.passed for gate in found())
    assert {"checksums", "grounding", "splits", "formats_load"} <= {gate.name for gate in found()}
    path = "releases/days/1/data/text/train.jsonl"
    original = study.lake.read_object(path)
    study.lake.write_object(path, original.replace(b"the", b"teh", 1))
    assert found()[0].failures == ["data/text/train.jsonl was changed"]
    study.lake.delete_objects([path])
    study.lake.write_object("releases/days/1/data/extra.jsonl", b"{}")
    assert set(found()[0].failures) == {
        "data/text/train.jsonl is missing",
        "data/extra.jsonl is not in the manifest",
    }
    study.lake.write_object(f"releases/days/1/{MANIFEST}", study.files()[MANIFEST] + b"\n")
    assert f"{MANIFEST} is not the one that was published" in found()[0].failures


def test_an_export_has_the_bytes_of_the_lake_and_only_what_was_asked_for(study, tmp_path):
    study.write(LINES)
    study.release()
    everything = export(study.workspace, tenant=TENANT, name="days", version="1", folder=tmp_path / "all")
    assert {path: (tmp_path / "all" / path).read_bytes() for path in everything} == study.files()
    some = export(study.workspace, tenant=TENANT, name="days", version="1", formats=["text"], folder=tmp_path / "some")
    assert "data/text/train.parquet" in some
    assert not any("messages" in path or path.startswith("journal") for path in some)
    with pytest.raises(ConflictError):
        export(study.workspace, tenant=TENANT, name="days", version="1", folder=tmp_path / "all")
    with pytest.raises(NotFoundError):
        export(study.workspace, tenant=TENANT, name="days", version="1", formats=["alpaca"], folder=tmp_path / "none")


def test_two_versions_of_the_same_lines_do_not_differ_and_a_filter_removes(study):
    study.write(LINES)
    study.release()
    study.release(version="2")
    study.release(version="3", tasks=["question"])
    assert compare(study.workspace, tenant=TENANT, before=("days", "1"), after=("days", "2")) == []
    found = compare(study.workspace, tenant=TENANT, before=("days", "1"), after=("days", "3"))
    assert len(found) == sum(line["metadata"]["task"] != "question" for line in LINES)
    assert {one.kind for one in found} == {"removed"}


def test_an_erased_person_is_the_cause_of_what_is_missing(study):
    study.write(LINES)
    study.release()
    gone = subject(LINES[0])
    monkey = {subject(line) for line in LINES} - {gone}
    from sqlalchemy import text

    study.workspace.catalog.database.write(
        "erase", lambda c: c.execute(text("DELETE FROM subject WHERE subject_id = :s"), {"s": gone})
    )
    assert study.release(version="2").published
    found = compare(study.workspace, tenant=TENANT, before=("days", "1"), after=("days", "2"))
    assert {(one.kind, one.cause) for one in found} == {("removed", "consent_or_erasure")}
    assert len(found) == sum(subject(line) == gone for line in LINES)
    assert monkey == set(study.workspace.catalog.datasets.contributors(study.row("2").id))


def test_a_version_whose_process_was_killed_is_failed_at_the_next_look_and_not_while_it_runs(study):
    study.write(LINES)
    datasets = study.workspace.catalog.datasets
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for version in ("1", "2"):
        datasets.begin(TENANT, "days", version, spec=spec(version=version).as_json(), run_id=None, now=now)
    with study.workspace.catalog.exclusive(f"release-{TENANT}", wait=True):
        releases.end_abandoned(study.workspace, TENANT)
        assert study.row().state == "building"
    releases.end_abandoned(study.workspace, TENANT)
    for version in ("1", "2"):
        row = study.row(version)
        assert (row.state, row.reasons) == ("failed", [releases.ABANDONED])
    assert study.release().published


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "it was interrupted"),
        (MemoryError(), "an unexpected MemoryError"),
        (ValueError("the value 118"), "an unexpected ValueError"),
        (TransientError("read", "x", "the store is away", "Wait."), "the store is away"),
    ],
)
def test_whatever_ends_a_build_is_its_reason_in_one_sentence_without_content(study, monkeypatch, error, reason):
    study.write(LINES)

    def dies(*_, **__):
        raise error

    monkeypatch.setattr(releases, "build", dies)
    with pytest.raises(type(error)):
        study.release()
    assert (study.row().state, study.row().reasons) == ("failed", [reason])


@pytest.mark.parametrize("app", ["com.dexcom.stello", "Oura", "com.ouraring", "", "com.example.app2"])
def test_an_app_that_nobody_has_is_refused_before_anything_is_entered(study, app):
    study.write(LINES)
    with pytest.raises(UsageError):
        study.release(source_apps=[app])
    with pytest.raises(NotFoundError):
        study.row()


def test_a_withdrawn_version_leaves_a_stub_and_an_event_and_is_never_built_or_read_again(study):
    study.write(LINES)
    study.release()
    study.release(version="2")
    where = {"tenant": TENANT, "name": "days", "version": "1"}
    stub = withdraw(study.workspace, **where, reason="An app's licence does not allow it.", actor="ann")
    assert stub["withdrawn"]["why"] == "An app's licence does not allow it."
    assert list(study.files()) == [MANIFEST]
    assert (study.row().state, study.row().reasons) == ("withdrawn", ["An app's licence does not allow it."])
    [event] = study.workspace.catalog.audit.list(TENANT, action="dataset.withdraw")
    assert (event.actor, event.target) == ("ann", "days/1")
    for call in (
        study.release,
        lambda: verify(study.workspace, **where),
        lambda: withdraw(study.workspace, **where, reason="again", actor="ann"),
        lambda: compare(study.workspace, tenant=TENANT, before=("days", "2"), after=("days", "1")),
    ):
        with pytest.raises(ConflictError, match="withdrawn"):
            call()
    assert compare(study.workspace, tenant=TENANT, before=("days", "1"), after=("days", "2")) == []


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[2J", "x" * 501])
def test_a_version_is_withdrawn_for_a_reason_that_can_be_read_only(study, reason):
    study.write(LINES)
    study.release()
    with pytest.raises(UsageError):
        withdraw(study.workspace, tenant=TENANT, name="days", version="1", reason=reason, actor="ann")
    assert study.row().state == "published"


@pytest.mark.parametrize(
    ("formats", "splits"),
    [(["text"], []), ([], ["train"]), (["messages"], ["test"]), (["text", "messages"], ["train", "validation"])],
)
def test_a_copy_of_a_part_describes_and_verifies_itself(study, tmp_path, formats, splits):
    study.write(LINES)
    study.release()
    folder = tmp_path / "copy"
    files = export(
        study.workspace, tenant=TENANT, name="days", version="1", folder=folder, formats=formats, splits=splits
    )
    assert sorted(files) == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert [failure for gate in verify_folder(folder) for failure in gate.failures] == []
    document = orjson.loads((folder / MANIFEST).read_bytes())
    sides = study.sides()
    expected = Counter(side for side in sides.values() if not splits or side in splits)
    assert document["counts"]["examples_by_side"] == dict(expected)
    card = (folder / "README.md").read_text()
    assert all(
        (path in card) == (folder / path).exists()
        for path in (f"data/{f}/{s}.parquet" for f in ("text", "messages") for s in ("train", "validation", "test"))
    )
    paths = {one["contentUrl"] for one in orjson.loads((folder / "croissant.json").read_bytes())["distribution"]}
    assert all((folder / path).exists() for path in paths)
    assert document["copy"]["of_manifest_sha256"] == study.row().manifest_sha256
