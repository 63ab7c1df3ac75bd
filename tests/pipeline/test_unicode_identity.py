"""An id whose letters are encoded in several ways is one person everywhere."""

import unicodedata
from datetime import UTC, date, datetime

import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from operations.erasure.erasure import forget
from operations.subject_data import known_subject
from pipeline.registration import register
from tests.flow import TENANT, installation, land
from tests.made_up_uploads import made_upload
from tests.pipeline.test_clock_ahead import reading
from tests.pipeline.test_moved_records import validate
from vitals.errors import ConflictError, NotFoundError
from vitals.external_ids import external_id, written_forms
from vitals.raw.keys import ParsedKey, build_key, parse_key
from vitals.validated.pseudonyms import subject_id, tombstone

IDS = ["josé", "김민수", "Nguyễn Thị Hồng", "Åsa Ström", "Ζωή", "ñandú_2", "ṩ_q\u0307\u0323", "が"]
FETCH = datetime(2026, 10, 6, 18, tzinfo=UTC)


def forms(user):
    return [unicodedata.normalize(form, user) for form in ("NFC", "NFD")]


def raw_key(user, end="a"):
    return f"raw/BloodGlucoseRecord/2026/10/06/{user}_1791309600000_{end}.avro"


@pytest.mark.parametrize("user", IDS)
def test_both_forms_of_an_id_are_one_in_keys_and_pseudonyms(user):
    composed, decomposed = forms(user)
    assert composed != decomposed
    for form in (composed, decomposed):
        parsed = parse_key(raw_key(form))
        assert isinstance(parsed, ParsedKey)
        assert (parsed.user, parsed.key) == (composed, raw_key(form))
    built = {
        build_key(
            type_name="StepsRecord",
            landing_day=date(2026, 10, 6),
            user=form,
            fetched_ms=1791309600000,
            content_hash="a",
        )
        for form in (composed, decomposed)
    }
    assert len(built) == 1
    assert len({subject_id(tenant="t", external_user=form, key=b"k") for form in (composed, decomposed)}) == 1


@pytest.mark.parametrize("other", ["JOSÉ", "jose", "josé ", " josé", "ｊｏｓé", "josé\ufe0f", "ﬁ"])
def test_case_width_and_spaces_make_another_id(other):
    assert external_id(other) not in {"josé", "fi"}
    assert external_id(other) in written_forms(other)


def test_uploads_in_both_forms_are_one_person_who_is_erased_and_refused_in_both(tmp_path):
    settings, workspace = installation(tmp_path)
    lake, (composed, decomposed) = workspace.lake(TENANT), forms("josé")
    data = made_upload("blood_glucose", [reading("one", 100, FETCH)])[1]
    other = made_upload("blood_glucose", [reading("two", 110, FETCH)])[1]
    land(lake, [(raw_key(composed), data), (raw_key(decomposed, "b"), other)])
    validate(workspace)
    found = lake.table("validated/blood_glucose").collect()
    assert (found.height, found["subject_id"].n_unique()) == (2, 1)
    assert known_subject(workspace, TENANT, composed) == known_subject(workspace, TENANT, decomposed)
    environment = {
        "VITALGRAPH_HOME": str(settings.home_path),
        "VITALGRAPH_SUBJECT_KEY": "a key for tests only, of no worth",
    }
    for form in (decomposed, composed):
        assert CliRunner().invoke(app, ["subject", "set", form, "--age-years", "40"], env=environment).exit_code == 0
    forget(workspace, tenant=TENANT, user=decomposed, actor="test", private_key=bytes(range(32)))
    assert list(lake.objects("raw/")) == []
    for form in (composed, decomposed):
        with pytest.raises(NotFoundError):
            known_subject(workspace, TENANT, form)
        land(lake, [(raw_key(form, "c"), data)])
        again = register(workspace, tenant=TENANT, listed=lake.objects("raw/"), today=date(2026, 10, 7))
        assert (again.erased, list(lake.objects("raw/"))) == (1, [])


@pytest.mark.parametrize("form", [0, 1])
def test_a_refusal_that_an_older_version_left_for_one_form_refuses_both(tmp_path, form):
    _, workspace = installation(tmp_path)
    lake = workspace.lake(TENANT)
    mark = tombstone(tenant=TENANT, external_user=forms("josé")[form], key=workspace.subject_key)
    lake.write_object(f"erasures/{mark}.json", b"{}")
    land(lake, [(raw_key(one), b"x") for one in forms("josé")])
    assert register(workspace, tenant=TENANT, listed=lake.objects("raw/"), today=date(2026, 10, 7)).erased == 2


def test_a_catalog_that_took_the_forms_for_two_people_is_refused(tmp_path):
    _, workspace = installation(tmp_path)
    composed, decomposed = forms("josé")
    workspace.catalog.subjects.ensure(TENANT, {decomposed: "former"}, now=FETCH)
    with pytest.raises(ConflictError, match="another Unicode form"):
        workspace.catalog.subjects.ensure(TENANT, {composed: "new"}, now=FETCH)
