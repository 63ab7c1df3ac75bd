"""The desk over plain HTTP: who gets in, what forms need, and what an address may hold."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import delete, update

from resources.catalog.models.tenants import ApiToken, DeskSession
from tests.interfaces.api.serving import serving
from tests.interfaces.desk.afternoon import afternoon

COMPLETING = {"version": "1", "specimen_source": "CAPILLARY_BLOOD", "why": "a test"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    settings, workspace = afternoon(tmp_path_factory.mktemp("desk"))
    workspace.catalog.tenants.add("other", now=datetime.now(UTC))
    with serving(settings, workspace) as address:
        yield address, workspace


@contextmanager
def signed_in(desk, *, role="reviewer", tenant="default"):
    address, workspace = desk
    name = f"{role}-{len(workspace.catalog.tokens.list(tenant))}"
    key = workspace.catalog.tokens.create(tenant, name=name, role=role, now=datetime.now(UTC))
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as http:
        assert http.post("/desk/sign-in", data={"key": key}).status_code == 200
        yield http


def token_of(http):
    return re.search(r'name="token" value="(\w+)"', http.get("/desk/quarantine").text)[1]


def waiting(desk):
    return desk[1].catalog.partials.list("default", limit=1)[0].id


def test_nobody_gets_in_without_a_key_and_a_wrong_one_is_not_kept(desk):
    with httpx.Client(base_url=desk[0], follow_redirects=True) as http:
        assert str(http.get("/desk/people").url).endswith("/desk/sign-in")
        answer = http.post("/desk/sign-in", data={"key": "vg_000000000000_" + "a" * 32})
        assert (answer.status_code, dict(http.cookies)) == (401, {})


def test_the_session_is_kept_where_neither_scripts_nor_other_sites_nor_the_api_get_it(desk):
    address, workspace = desk
    key = workspace.catalog.tokens.create("default", name="cookie", role="reader", now=datetime.now(UTC))
    with httpx.Client(base_url=address) as http:
        kept = http.post("/desk/sign-in", data={"key": key}).headers["set-cookie"]
        assert {"HttpOnly", "SameSite=strict", "Path=/desk"} <= {part.strip() for part in kept.split(";")}
        assert key not in kept
        assert http.get("/v1/people").status_code == 401


def cookie_of(http):
    return {"Cookie": f"vitalgraph_session={http.cookies['vitalgraph_session']}"}


def is_in(desk, cookie):
    return httpx.get(f"{desk[0]}/desk/people", headers=cookie).status_code == 200


def test_signing_out_ends_the_session_on_the_server(desk):
    with signed_in(desk) as http:
        copied, form = cookie_of(http), {"token": token_of(http), "ids": "1"}
        assert is_in(desk, copied)
        http.post("/desk/sign-out")
        assert str(http.get("/desk/").url).endswith("/desk/sign-in")
    assert not is_in(desk, copied)
    assert (
        httpx.post(f"{desk[0]}/desk/quarantine/discard", data=form, headers=copied).headers["location"].endswith("in")
    )


def test_signing_in_again_ends_the_session_before(desk):
    with signed_in(desk) as http:
        first = cookie_of(http)
        key = desk[1].catalog.tokens.create("default", name="twice", role="reader", now=datetime.now(UTC))
        http.post("/desk/sign-in", data={"key": key})
        assert cookie_of(http) != first
        assert (is_in(desk, first), is_in(desk, cookie_of(http))) == (False, True)


def test_the_key_itself_is_no_session_and_the_session_no_key(desk):
    key = desk[1].catalog.tokens.create("default", name="itself", role="admin", now=datetime.now(UTC))
    for name in ("vitalgraph_session", "vitalgraph_key"):
        assert not is_in(desk, {"Cookie": f"{name}={key}"})
    assert not is_in(desk, {"Authorization": f"Bearer {key}"})
    with signed_in(desk, role="admin") as http:
        secret = http.cookies["vitalgraph_session"]
        assert httpx.get(f"{desk[0]}/v1/people", headers={"Authorization": f"Bearer {secret}"}).status_code == 401


@pytest.mark.parametrize("end", ["revoked", "expired", "idle", "too long", "removed"])
def test_a_session_ends_with_its_key_and_with_its_time(desk, end):
    catalog, now = desk[1].catalog, datetime.now(UTC)
    with signed_in(desk) as http, signed_in(desk) as other:
        token = max(catalog.tokens.list("default"), key=lambda one: one.created_at)
        copied, ended = cookie_of(other), now - timedelta(days=1)
        assert is_in(desk, copied)
        if end == "revoked":
            catalog.tokens.revoke("default", token.name, now=now)
        change = {
            "revoked": None,
            "expired": update(ApiToken).where(ApiToken.token_id == token.token_id).values(expires_at=ended),
            "idle": update(DeskSession).where(DeskSession.token_id == token.token_id).values(seen_at=ended),
            "too long": update(DeskSession).where(DeskSession.token_id == token.token_id).values(expires_at=ended),
            "removed": delete(DeskSession).where(DeskSession.token_id == token.token_id),
        }[end]
        if change is not None:
            catalog.database.write("end it", lambda connection: connection.execute(change))
        assert (is_in(desk, copied), is_in(desk, cookie_of(http))) == (False, True)


def test_a_form_of_another_session_of_the_same_key_decides_nothing(desk):
    key = desk[1].catalog.tokens.create("default", name="two windows", role="reviewer", now=datetime.now(UTC))
    with httpx.Client(base_url=desk[0]) as one, httpx.Client(base_url=desk[0]) as two:
        for http in (one, two):
            http.post("/desk/sign-in", data={"key": key})
        answer = two.post("/desk/quarantine/discard", data={"token": token_of(one), "ids": "1", "why": "a test"})
        assert answer.status_code == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1", ""])
@pytest.mark.parametrize("path", ["/desk/sign-in", "/desk/sign-out", "/desk/quarantine/discard"])
def test_a_form_that_a_page_of_another_origin_sent_is_refused(desk, path, origin):
    with signed_in(desk) as http:
        form = {"token": token_of(http), "ids": "1", "why": "a test", "key": "x"}
        answer = http.post(path, data=form, headers={"Origin": origin}, follow_redirects=False)
        assert answer.status_code == 403
        assert is_in(desk, cookie_of(http))


def test_every_page_forbids_scripts_and_frames_of_others_and_is_stored_nowhere(desk):
    with signed_in(desk) as http:
        for path in ("/desk/", "/desk/people", "/desk/records/1", "/desk/records/999999", "/desk/nowhere"):
            headers = http.get(path).headers
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["cache-control"] == "no-store"
        assert "style=" not in http.get("/desk/records/1").text


@pytest.mark.parametrize("given", [{}, {"token": "a" * 64}, {"token": "é"}])
def test_a_form_without_the_sessions_token_decides_nothing(desk, given):
    with signed_in(desk) as http:
        answer = http.post(f"/desk/records/{waiting(desk)}", data=COMPLETING | given)
        assert answer.status_code == 403
        assert desk[1].catalog.partials.get("default", waiting(desk)).status == "waiting"


def test_a_form_that_another_site_sent_decides_nothing(desk):
    with signed_in(desk) as http:
        form = COMPLETING | {"token": token_of(http)}
        answer = http.post(f"/desk/records/{waiting(desk)}", data=form, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/desk/records/1",
        "/desk/rule",
        "/desk/rule/apply",
        "/desk/undo",
        "/desk/quarantine/what-if",
        "/desk/quarantine/release",
        "/desk/quarantine/discard",
    ],
)
def test_a_reader_may_look_and_not_decide(desk, path):
    with signed_in(desk, role="reader") as http:
        assert 'name="version"' not in http.get("/desk/records/1").text
        form = COMPLETING | {"token": token_of_reader(http), "ids": "1", "event": "1", "bound": "x", "value": "1"}
        assert http.post(path, data=form).status_code == 403


def token_of_reader(http):
    from interfaces.desk.session import form_token

    return form_token(http.cookies["vitalgraph_session"])


def test_a_key_of_another_tenant_finds_nobody(desk):
    subject = desk[1].catalog.partials.list("default", limit=1)[0].subject_id
    with signed_in(desk, tenant="other") as http:
        for path in (f"/desk/records/{waiting(desk)}", f"/desk/people/{subject}"):
            answer = http.get(path)
            assert answer.status_code == 404
            assert subject not in answer.text
        assert "Nobody has uploaded yet" in http.get("/desk/people").text
        assert http.post("/desk/undo", data={"token": token_of(http), "event": "1"}).status_code == 404


def test_no_address_holds_a_measured_value_or_somebodys_own_id(desk):
    with signed_in(desk) as http:
        todo, seen = ["/desk/"], set()
        while todo and len(seen) < 40:
            path = todo.pop()
            seen.add(path)
            answer = http.get(path)
            assert answer.status_code == 200, path
            links = {link.replace("&amp;", "&") for link in re.findall(r'<a [^>]*href="(/desk[^"#]*)', answer.text)}
            todo += sorted(links - seen - set(todo))
        names = set(desk[1].catalog.subjects.subject_ids("default"))
        allowed = re.compile(
            r"/desk(/|/(records/\d+|people(/\w+(\?to=[\d-]+|/days/[\d-]+(/(lines|records)/\w+)?)?)?|datasets"
            r"|sources/\w+/\w+|quarantine(\?reason=[\w%.:]+&kind=\w*)?|rule(\?kind=\w+&source_app=[\w.]+&field=\w+)?))"
        )
        assert [path for path in seen if not allowed.fullmatch(path)] == []
        assert not [path for path in seen if set(re.split(r"[/?&=]", path)) & names]


def test_what_cannot_be_read_is_refused_without_being_repeated(desk):
    with signed_in(desk) as http:
        form = {"token": token_of(http), "version": "1", "other": "+99:99", "zone": "", "why": "a test"}
        answer = http.post(f"/desk/records/{waiting(desk)}", data=form)
        assert answer.status_code in (400, 422)
        assert "+99:99" not in answer.text
        assert http.get("/desk/records/eleven").status_code == 422
