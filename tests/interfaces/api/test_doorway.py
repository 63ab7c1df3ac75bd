"""The way in: nothing is read before the caller is known, nothing waits for ever, every answer has its headers."""

import json
import re
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Mount

from dagster_project.settings import Settings
from interfaces.api.limits import MAX_JSON_DEPTH, is_nested_deeper
from interfaces.web.connections import TimedConnection
from interfaces.web.hosts import AllowedHosts
from interfaces.web.server import server_of
from operations.preview import one_at_a_time
from tests.flow import installation
from tests.interfaces.api.raw_client import SECONDS, answer_head, connect, head, until_closed
from tests.interfaces.api.serving import client, running, serving
from tests.interfaces.desk.afternoon import afternoon
from tests.waiting import DAY

LONG = str(50 * 2**20)
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Impatient(TimedConnection):
    head_seconds = 1.0
    leftover_seconds = 1.0
    unread_seconds = 2.0


def be_impatient(app):
    app.grace_seconds = 1.0


@pytest.fixture(scope="module")
def door(tmp_path_factory):
    """An address and its workspace; somebody's records wait."""
    given_settings, workspace = afternoon(tmp_path_factory.mktemp("door"))
    workspace.catalog.tenants.add("other", now=datetime.now(UTC))
    with serving(given_settings, workspace, connection=Impatient, prepare=be_impatient) as address:
        yield address, workspace


@contextmanager
def signed_in(door, role="reviewer"):
    with client(door[0], door[1], role=role) as http:
        key = http.headers.pop("authorization").removeprefix("Bearer ")
        assert http.post("/desk/sign-in", data={"key": key}).status_code == 303
        yield http


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("POST /v1/uploads?user=u&record_type=StepsRecord", {"Content_Length": LONG}, 401),
        ("POST /v1/uploads?user=u&record_type=StepsRecord", {"Transfer_Encoding": "chunked"}, 401),
        ("POST /v1/quarantine/what-if", {"Content_Length": LONG, "Content_Type": JSON}, 401),
        ("PATCH /v1/partials/1/complete", {"Content_Length": "20", "Content_Type": JSON}, 401),
        ("GET /v1/people", {"Content_Length": "20"}, 401),
        ("POST /v1/nowhere", {"Content_Length": LONG, "Content_Type": JSON}, 401),
        ("POST /desk/quarantine/what-if", {"Content_Length": LONG, "Content_Type": FORM}, 303),
        ("POST /desk/sign-out", {"Transfer_Encoding": "chunked"}, 303),
        ("POST /desk/sign-in", {"Content_Length": "4097", "Content_Type": FORM}, 413),
        ("POST /desk/sign-in", {"Content_Length": LONG, "Content_Type": "multipart/form-data; boundary=x"}, 413),
        ("POST /nowhere", {"Content_Length": LONG}, 413),
        ("POST /live", {"Content_Length": LONG}, 405),
        ("POST /v1/docs", {"Content_Length": "1"}, 413),
    ],
)
@pytest.mark.parametrize("key", [{}, {"Authorization": f"Bearer vg_000000000000_{'a' * 32}"}], ids=["none", "wrong"])
def test_whoever_is_nobody_is_answered_before_any_body_comes(door, request_line, headers, status, key):
    method, path = request_line.split()
    with closing(connect(door[0])) as raw:
        raw.sendall(head(method, path, door[0], **headers, **key))
        assert answer_head(raw)[0] == status


@pytest.mark.parametrize(
    ("role", "request_line", "content_type", "status"),
    [
        ("reader", "POST /v1/uploads?user=u&record_type=StepsRecord", "application/octet-stream", 403),
        ("reviewer", "POST /v1/quarantine/what-if", JSON, 413),
        ("reviewer", "POST /v1/uploads/references", JSON, 413),
        ("admin", "PATCH /v1/partials/1/complete", JSON, 413),
        ("admin", "POST /v1/partials/rules", "application/problem+json", 413),
        ("admin", "GET /v1/people", "text/plain", 413),
        ("admin", "POST /v1/uploads/", "application/octet-stream", 413),
    ],
)
def test_a_key_may_send_what_its_role_and_route_take_and_no_more(door, role, request_line, content_type, status):
    method, path = request_line.split()
    with client(door[0], door[1], role=role) as http, closing(connect(door[0])) as raw:
        key = http.headers["authorization"]
        raw.sendall(
            head(method, path, door[0], Authorization=key, Content_Type=content_type, Content_Length=str(2**20 + 1))
        )
        assert answer_head(raw)[0] == status


@pytest.mark.parametrize("content_type", [JSON, FORM, "multipart/form-data; boundary=x"])
def test_a_body_without_a_length_is_counted(door, content_type):
    begin = b'--x\r\nContent-Disposition: form-data; name="why"\r\n\r\n' if "boundary" in content_type else b""

    def send(http, path):
        pieces = (begin if number == 0 else b"x" * 2**16 for number in range(18))
        return http.post(path, content=pieces, headers={"Content-Type": content_type})

    with client(door[0], door[1]) as http, signed_in(door) as desk:
        if content_type == JSON:
            assert send(http, "/v1/quarantine/what-if").status_code == 413
        else:
            answer = send(desk, "/desk/quarantine/what-if")
            assert (answer.status_code, "<h1>" in answer.text) == (413, True)


def test_a_file_may_be_longer_than_a_form(door):
    with client(door[0], door[1]) as http:
        params = {"user": "u", "record_type": "StepsRecord"}
        answer = http.post("/v1/uploads", params=params, content=b"x" * (2**20 + 5))
        assert answer.status_code == 202


def test_a_user_whose_file_no_file_system_can_name_is_told_so(door):
    with client(door[0], door[1]) as http:
        params = {"user": "学" * 100, "record_type": "StepsRecord"}
        answer = http.post("/v1/uploads", params=params, content=b"x")
        assert (answer.status_code, "250 bytes" in answer.json()["detail"]) == (422, True)
        assert http.post("/v1/uploads", params=params | {"user": "学生" * 20}, content=b"x").status_code == 202


def nested(levels, inner="1", opened="[", closed="]"):
    return opened * levels + inner + closed * levels


@pytest.mark.parametrize(
    "body",
    [
        nested(50),
        nested(50, opened='{"a":', closed="}"),
        nested(100_000),
        '{"ids": ' + nested(60) + "}",
        '{"ids": [' + ",".join([nested(45)] * 50) + "]}",
        nested(30, opened='[{"\\"]": ', closed="}]"),
        "[" * 500_000,
    ],
    ids=["lists", "objects", "very deep", "within a member", "many", "brackets in names", "never closed"],
)
def test_json_that_is_nested_too_deep_is_refused(door, body):
    with client(door[0], door[1]) as http:
        answer = http.post("/v1/quarantine/what-if", content=body, headers={"Content-Type": JSON})
        assert (answer.status_code, "nested deeper" in answer.text) == (422, True)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(alphabet='[]{}"\\a,:é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\a', max_size=5), inner, max_size=3)
    ),
    max_leaves=30,
)


def depth(value):
    if isinstance(value, dict):
        return 1 + max((depth(one) for one in value.values()), default=0)
    return 1 + max((depth(one) for one in value), default=0) if isinstance(value, list) else 0


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(value=VALUES, levels=st.integers(0, 6), plain=st.booleans())
def test_depth_is_found_without_building_anything(value, levels, plain):
    deeper = is_nested_deeper(json.dumps(value, ensure_ascii=plain).encode(), levels)
    assert not (deeper and depth(value) <= levels)
    assert deeper or depth(value) <= 2 * levels


def test_no_body_that_a_route_takes_is_nearly_as_deep():
    deepest = {"scope": {"kind": "sleep"}, "said": {"zone": "Z"}, "reason": "[[[[", "preview": None}
    assert not is_nested_deeper(json.dumps(deepest).encode(), MAX_JSON_DEPTH // 4)


@pytest.mark.parametrize(
    "given_head",
    [
        b"".join(b"X-%d: 1\r\n" % number for number in range(200)),
        b"X: " + b"a" * 60_000 + b"\r\n",
        b"".join(b"X-%d: %s\r\n" % (number, b"a" * 300) for number in range(300)),
        b"Cookie: " + b"; ".join(b"a%d=b" % number for number in range(9000)) + b"\r\n",
    ],
    ids=["too many", "one too long", "too much together", "a long cookie"],
)
@pytest.mark.parametrize("path", ["/v1/people", "/desk/", "/v1/docs"])
def test_headers_are_limited_in_number_and_size(door, given_head, path):
    with closing(connect(door[0])) as raw:
        try:
            raw.sendall(head("GET", path, door[0])[:-2] + given_head + b"\r\n")
        except ConnectionError:
            return
        assert until_closed(raw)[9:12] in (b"431", b"400")


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /li", b"GET /live HTTP/1.1\r\nHost: x\r\nX-A: ", b"\r\n", b"GET /live HTTP/1.1\r\n" * 2],
    ids=["nothing", "half a line", "half a header", "an empty line", "no request"],
)
def test_a_head_that_does_not_come_ends_the_connection(door, sent):
    with closing(connect(door[0])) as raw:
        raw.sendall(sent)
        assert until_closed(raw)[:13] in (b"", b"HTTP/1.1 400 ")


def test_a_head_that_comes_byte_by_byte_ends_the_connection(door):
    with closing(connect(door[0])) as raw:
        raw.settimeout(0.1)
        raw.sendall(b"GET /live?")
        with pytest.raises(ConnectionError):
            trickle(raw)


def trickle(raw):
    for _ in range(SECONDS * 10):
        raw.sendall(b"a")
        try:
            if raw.recv(1) == b"":
                raise ConnectionError
        except TimeoutError:
            continue


@pytest.mark.parametrize("sent", [b"", b"{", b'{"ids"'], ids=["nothing", "a byte", "half"])
@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/v1/quarantine/what-if", JSON),
        ("/v1/uploads?user=u&record_type=StepsRecord", "application/octet-stream"),
    ],
)
def test_a_body_that_does_not_come_is_given_up(door, path, content_type, sent):
    with client(door[0], door[1]) as http, closing(connect(door[0])) as raw:
        key = http.headers["authorization"]
        raw.sendall(head("POST", path, door[0], Authorization=key, Content_Type=content_type, Content_Length="900"))
        raw.sendall(sent)
        assert until_closed(raw).startswith(b"HTTP/1.1 408 ")


def test_a_sign_in_that_does_not_come_is_given_up(door):
    with closing(connect(door[0])) as raw:
        raw.sendall(head("POST", "/desk/sign-in", door[0], Content_Type=FORM, Content_Length="900") + b"key=")
        assert b"408" in until_closed(raw)[:20]


def test_the_rest_of_a_refused_body_is_not_waited_for(door):
    with closing(connect(door[0])) as raw:
        raw.sendall(head("POST", "/v1/uploads", door[0], Content_Length=LONG) + b"x" * 5000)
        assert until_closed(raw).startswith(b"HTTP/1.1 401 ")


def test_an_honest_client_with_a_wrong_key_and_a_long_file_sees_why(door):
    with httpx.Client(base_url=door[0], headers={"Authorization": "Bearer wrong"}) as http:
        answer = http.post("/v1/uploads", params={"user": "u", "record_type": "X"}, content=b"x" * 20 * 2**20)
        assert (answer.status_code, answer.json()["status"]) == (401, 401)


def test_an_answer_that_nobody_reads_ends_the_connection(door):
    with closing(connect(door[0], receive_buffer=4096)) as raw:
        raw.settimeout(SECONDS)
        with pytest.raises(ConnectionError):
            ask_for_ever(raw, head("GET", "/v1/openapi.json", door[0]) * 100)


def ask_for_ever(raw, asked):
    while True:
        raw.sendall(asked)


def test_connections_that_wait_make_room_for_those_that_ask(tmp_path):
    class Few(TimedConnection):
        most_connections = 20

    with serving(*installation(tmp_path), connection=Few) as address:
        idle = [connect(address) for _ in range(60)]
        assert httpx.get(f"{address}/live").json() == {"status": "ok"}
        for one in idle:
            one.close()


@contextmanager
def locked(workspace):
    """The catalog takes no write meanwhile: whatever decides something waits."""
    with closing(sqlite3.connect(workspace.catalog.database.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_health_answers_while_every_thread_is_at_work(door):
    address, workspace = door
    keys = [client(address, workspace) for _ in range(6)]
    answers = []

    def hand_in(http, number):
        params = {"user": f"u{number}", "record_type": "StepsRecord"}
        answers.append(http.post("/v1/uploads", params=params, content=b"x").status_code)

    with locked(workspace):
        threads = [threading.Thread(target=hand_in, args=(http, n)) for http in keys for n in range(7)]
        for one in threads:
            one.start()
        for _ in range(10):
            assert httpx.get(f"{address}/live", timeout=SECONDS).json() == {"status": "ok"}
            assert httpx.get(f"{address}/ready", timeout=SECONDS).status_code == 200
        assert httpx.get(f"{address}/v1/people", timeout=SECONDS).status_code == 401
        under_way = not answers
    for one in threads:
        one.join()
    assert (under_way, set(answers)) == (True, {202})


def test_a_key_has_so_many_requests_at_once_and_others_go_on(tmp_path):
    settings_given, workspace = installation(tmp_path, api_requests_at_once=2)
    with serving(settings_given, workspace) as address, client(address, workspace) as busy:
        with client(address, workspace) as other, locked(workspace):
            threads = [
                threading.Thread(
                    target=lambda: busy.post(
                        "/v1/uploads", params={"user": "u", "record_type": "StepsRecord"}, content=b"x"
                    )
                )
                for _ in range(2)
            ]
            for one in threads:
                one.start()
            while (refused := busy.get("/v1/people")).status_code != 429:
                time.sleep(0.05)
            assert int(refused.headers["retry-after"]) > 0
            assert other.get("/v1/people").status_code == 200
        for one in threads:
            one.join()
        # A place is free a moment after the answer that held it has been read.
        while (again := busy.get("/v1/people")).status_code == 429:
            time.sleep(0.05)
        assert again.status_code == 200


def test_one_what_if_of_a_tenant_at_a_time(door):
    address, workspace = door
    way = {"change": "out_of_range:level_mg_dl.max=700"}
    with (
        client(address, workspace) as http,
        client(address, workspace, tenant="other") as other,
        signed_in(door) as desk,
    ):
        token = re.search(r'name="token" value="(\w+)"', desk.get("/desk/quarantine").text)[1]
        form = {"token": token, "bound": "out_of_range:level_mg_dl.max", "value": "700"}
        with one_at_a_time(workspace, "default"):
            refused = http.post("/v1/quarantine/what-if", json=way)
            assert (refused.status_code, int(refused.headers["retry-after"]) > 0) == (429, True)
            assert desk.post("/desk/quarantine/what-if", data=form).status_code == 429
            assert other.post("/v1/quarantine/what-if", json=way).status_code == 200
            assert httpx.get(f"{address}/live").status_code == 200
        assert desk.post("/desk/quarantine/what-if", data=form).status_code == 200
        assert http.post("/v1/quarantine/what-if", json=way).status_code == 200


SEALED = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}


def assert_sealed(headers):
    assert {name: headers.get(name) for name in SEALED} == SEALED
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/live", 200),
        ("GET", "/ready", 200),
        ("DELETE", "/live", 405),
        ("GET", "/", 404),
        ("GET", "/nowhere", 404),
        ("GET", "/v1/docs", 200),
        ("GET", "/v1/openapi.json", 200),
        ("GET", "/v1/people", 200),
        ("GET", "/v1/people/", 307),
        ("GET", "/v1/people/nobody", 404),
        ("GET", "/v1/people?limit=-1", 422),
        ("GET", "/v1/nowhere", 404),
        ("PUT", "/v1/people", 405),
        ("GET", "/desk", 303),
        ("GET", "/desk/people", 303),
        ("GET", "/desk/sign-in", 200),
        ("POST", "/desk/sign-in", 422),
        ("GET", "/desk/static/desk.css", 200),
        ("GET", "/desk/static/desk.js", 200),
        ("GET", "/desk/static/nowhere", 404),
        ("GET", "/desk/static/../app.py", 303),
        ("OPTIONS", "/desk/static/desk.css", 405),
    ],
)
def test_every_answer_forbids_to_run_frame_keep_or_guess(door, method, path, status):
    with client(door[0], door[1]) as http:
        answer = http.request(method, path)
    assert answer.status_code == status
    assert_sealed(answer.headers)


def test_answers_to_what_is_no_request_have_the_headers_too(door):
    for sent in (b"\x16\x03\x01\x02", b"GET\r\n\r\n", head("GET", "/live", door[0])[:-2] + b"A" * 70_000):
        with closing(connect(door[0])) as raw:
            raw.sendall(sent)
            assert_sealed(answer_head(raw)[1])


@pytest.mark.parametrize("path", ["/v1/boom", "/desk/boom"])
def test_an_error_that_nobody_foresaw_is_answered_and_logged_without_its_text(tmp_path, caplog, path):
    def boom():
        raise RuntimeError("level 123.4 of anna")

    def prepare(app):
        app.app.add_api_route("/v1/boom", boom)
        next(one.app for one in app.app.routes if isinstance(one, Mount)).add_api_route("/boom", boom)

    with (
        serving(*(found := installation(tmp_path)), prepare=prepare) as address,
        signed_in((address, found[1])) as http,
        client(address, found[1]) as keyed,
    ):
        answer = (http if path.startswith("/desk") else keyed).get(path)
    assert answer.status_code == 500
    assert_sealed(answer.headers)
    assert ("<h1>" in answer.text) == path.startswith("/desk")
    assert "RuntimeError" in caplog.text
    assert "test_doorway.py" in caplog.text
    assert "123.4" not in caplog.text + answer.text


def test_the_docs_page_holds_nothing_of_others_and_names_every_route(door):
    page = httpx.get(f"{door[0]}/v1/docs").text
    assert "<script" not in page
    assert "style=" not in page
    assert "//" not in page.replace("http://127.0.0.1:8000", "")
    for path in httpx.get(f"{door[0]}/v1/openapi.json").json()["paths"]:
        assert path in page


def test_the_api_takes_no_cookie_whatever_is_in_it(door):
    with signed_in(door) as http:
        secret = http.cookies["vitalgraph_session"]
        with client(door[0], door[1], role="admin") as keyed:
            key = keyed.headers["authorization"].removeprefix("Bearer ")
        for name in ("vitalgraph_session", "vitalgraph_key", "Authorization"):
            for value in (secret, key, f"Bearer {key}"):
                for method, path in (("GET", "/v1/people"), ("POST", "/v1/quarantine/discard"), ("GET", "/v1/audit")):
                    answer = httpx.request(method, f"{door[0]}{path}", headers={"Cookie": f'{name}="{value}"'})
                    assert answer.status_code == 401


@pytest.mark.parametrize(
    "credentials",
    ["Basic dTpw", "bearer", "Bearer", "Bearer  ", "vg_000000000000_" + "a" * 32, "Bearer vg_é", "Digest x"],
)
def test_other_credentials_are_nobodys(door, credentials):
    with closing(connect(door[0])) as raw:
        raw.sendall(head("GET", "/v1/people", door[0], Authorization=credentials))
        assert answer_head(raw)[0] == 401


def test_a_key_given_twice_is_nobodys(door):
    with client(door[0], door[1]) as http:
        key = http.headers["authorization"]
        answer = httpx.get(f"{door[0]}/v1/people", headers=[("Authorization", key), ("Authorization", key)])
        assert answer.status_code == 401


EVIL = ("evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "localhost:x", "[::2]")


@pytest.mark.parametrize("host", [*EVIL, "", "127.0.0.1@evil.example", "evil.example, localhost", "127.0.0.1 "])
def test_a_name_that_is_not_its_own_is_refused_with_the_remedy(door, host):
    for path in ("/desk", "/desk/sign-in", "/v1/people", "/v1/docs", "/nowhere"):
        with closing(connect(door[0])) as raw:
            raw.sendall(head("GET", path, door[0], Host=host))
            status, headers = answer_head(raw)
            if host.strip() == "127.0.0.1":
                assert status != 421
                continue
            assert status in (400, 421)
            assert "evil" not in str(headers)
    with closing(connect(door[0])) as raw:
        raw.sendall(head("GET", "/live", door[0], Host="10.0.0.7:8000"))
        assert answer_head(raw)[0] == 200
    refused = httpx.get(f"{door[0]}/v1/people", headers={"Host": "evil.example"})
    assert (refused.status_code, "VITALGRAPH_ALLOWED_HOSTS" in refused.text) == (421, True)
    assert "evil" not in refused.text


@pytest.mark.parametrize(
    ("allowed", "host", "is_allowed"),
    [
        ("desk.example.org", "desk.example.org", True),
        ("desk.example.org", "DESK.example.org:443", True),
        ("desk.example.org", "api.example.org", False),
        ("desk.example.org", "localhost:8000", True),
        ("*.example.org, other.net", "a.b.example.org", True),
        ("*.example.org, other.net", "other.net:8443", True),
        ("*.example.org", "example.org", False),
        ("*.example.org", "evilexample.org", False),
        ("*", "whatever.example", True),
        ("*", "what ever.example", False),
        ("[fd00::1]", "[fd00::1]:8000", True),
        ("", "[::1]:8000", True),
    ],
)
def test_further_names_are_a_setting(allowed, host, is_allowed):
    hosts = AllowedHosts(Settings(allowed_hosts=allowed).hosts)
    assert hosts.allow({"headers": [(b"host", host.encode())]}) is is_allowed
    assert not hosts.allow({"headers": [(b"host", host.encode())] * 2})


@pytest.mark.parametrize("wrong", ["http://x.org", "x.org:80", "x.org/", "a b", "*x", "é.org"])
def test_a_setting_that_is_no_name_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(allowed_hosts=wrong)


def test_no_redirect_repeats_the_name_it_was_asked_by(tmp_path):
    given_settings, workspace = installation(tmp_path, allowed_hosts="*")
    with serving(given_settings, workspace) as address, client(address, workspace) as http:
        for path in ("/desk", "/desk/people", "/desk/sign-in/", "/v1/people/", "/v1/people/?limit=1", "/live/"):
            answer = http.get(path, headers={"Host": "evil.example"})
            assert answer.status_code in (303, 307)
            assert answer.headers["location"].startswith("/")
            assert not answer.headers["location"].startswith("//")


@pytest.mark.parametrize(
    ("trusted", "source", "scheme"),
    [
        ("127.0.0.1,::1", "127.0.0.1", "https"),
        ("127.0.0.1", "127.0.0.2", "http"),
        ("127.0.0.2", "127.0.0.2", "https"),
        ("127.0.0.0/8", "127.0.0.9", "https"),
        ("10.0.0.0/8", "127.0.0.1", "http"),
        ("", "127.0.0.1", "http"),
        ("*", "127.0.0.3", "https"),
    ],
)
def test_a_proxy_is_believed_if_the_settings_name_it(trusted, source, scheme):
    async def echo(scope, _receive, send):
        await Response(scope["scheme"])(scope, _receive, send)

    with (
        running(server_of(echo, Settings(trusted_proxies=trusted))) as address,
        httpx.Client(transport=httpx.HTTPTransport(local_address=source)) as http,
    ):
        assert http.get(address, headers={"X-Forwarded-Proto": "https"}).text == scheme


@pytest.mark.parametrize("wrong", ["proxy.example.org", "127.0.0.1:80", "300.1.1.1", "10.0.0.0/40"])
def test_a_setting_that_is_no_address_is_refused(wrong):
    with pytest.raises(ValidationError):
        Settings(trusted_proxies=wrong)


def test_the_cookie_is_marked_for_https_if_a_believed_proxy_says_so(door):
    with client(door[0], door[1]) as http:
        key = http.headers["authorization"].removeprefix("Bearer ")
        for scheme, secure in (("https", True), ("http", False)):
            answer = http.post("/desk/sign-in", data={"key": key}, headers={"X-Forwarded-Proto": scheme})
            assert ("Secure" in answer.headers["set-cookie"]) is secure


IMPOSSIBLE = ("0001-01-01", "9999-12-31", "1999-12-31", "2100-01-01", "2025-02-30", "0000-00-00", "x")


@pytest.mark.parametrize("day", IMPOSSIBLE)
def test_days_at_the_ends_of_the_calendar_fit_no_route(door, day):
    person = door[1].catalog.partials.list("default", limit=1)[0].subject_id
    routes = [
        f"/v1/people/{person}/days?from={day}&to={day}",
        f"/v1/people/{person}/days?from={DAY}&to={day}",
        f"/v1/people/{person}/days/{day}/examples",
        f"/v1/records?subject={person}&kind=steps&day={day}",
        f"/v1/uploads?from_day={day}",
        f"/v1/uploads?to_day={day}",
        *([f"/v1/batches/{day}", f"/v1/batches/{day}/items"] if len(day) == 10 else []),
    ]
    pages = [
        f"/desk/people/{person}?to={day}",
        f"/desk/people/{person}/days/{day}",
        f"/desk/people/{person}/days/{day}/lines/x",
        f"/desk/people/{person}/days/{day}/records/steps",
    ]
    with client(*door) as http, signed_in(door) as desk:
        assert [http.get(path).status_code for path in routes] == [422] * len(routes)
        assert [desk.get(path).status_code for path in pages] == [422] * len(pages)


@pytest.mark.parametrize("day", ["2000-01-01", "2099-12-31"])
def test_the_first_and_the_last_possible_day_have_no_data_and_are_no_error(door, day):
    person = door[1].catalog.partials.list("default", limit=1)[0].subject_id
    with client(*door) as http, signed_in(door) as desk:
        assert http.get(f"/v1/people/{person}/days?from={day}&to={day}").json() == {"days": {}}
        assert http.get(f"/v1/records?subject={person}&kind=steps&day={day}").json()["items"] == []
        for path in (f"?to={day}", f"/days/{day}", f"/days/{day}/records/steps"):
            assert desk.get(f"/desk/people/{person}{path}").status_code == 200


@pytest.mark.parametrize(
    "at",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "2025-09-20T08:15:00",
        "2025-09-20T08:15:00+25:00",
    ],
)
def test_a_fetch_at_an_end_of_the_calendar_or_without_an_offset_is_refused(door, at):
    with client(door[0], door[1]) as http:
        params = {"user": "u", "record_type": "StepsRecord", "fetched_at": at}
        assert http.post("/v1/uploads", params=params, content=b"x").status_code == 422


def test_the_last_instant_that_is_possible_is_taken_at_any_offset(door):
    with client(door[0], door[1]) as http:
        for number, at in enumerate(("2001-09-10T00:00:00+14:00", "2099-12-31T23:59:59-12:00")):
            params = {"user": f"edge{number}", "record_type": "StepsRecord", "fetched_at": at}
            assert http.post("/v1/uploads", params=params, content=b"x").status_code == 202
