"""The guard of the Dagster UI: what pages of others may not do, and what the UI itself goes on doing."""

import asyncio
from urllib.parse import quote

import pytest

from interfaces.ui.guard import Guard
from interfaces.web.hosts import AllowedHosts

JSON = {"content-type": "application/json"}
MUTATION = 'mutation{deletePipelineRun(runId:"x"){__typename}}'
SUBSCRIPTION = "subscription{locationStateChangeEvents{__typename}}"
HOST = "127.0.0.1:3000"


def ask(method, path, *, kind="http", host=HOST, **headers):
    """Status of the answer; 200 is what Dagster's application would do."""
    path, _, query = path.partition("?")
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "scheme": "http",
        "headers": [(b"host", host.encode()), *given],
    }
    sent = []

    async def app(_scope, _receive, send):
        if kind == "websocket":
            await send({"type": "websocket.accept"})
        else:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(Guard(app, AllowedHosts())(scope, receive, send))
    return sent[0]


def status(*request, **headers):
    first = ask(*request, **headers)
    return first.get("status", first["type"])


def get(query):
    return f"/graphql?query={quote(query)}"


@pytest.mark.parametrize("host", ["rebind.evil.example", "evil.example:3000", "", "127.0.0.1.evil.example"])
@pytest.mark.parametrize("path", ["/", "/graphql", "/server_info", "/logs/x.out"])
def test_a_name_that_is_not_its_own_is_not_answered(host, path):
    assert status("GET", path, host=host) == 421
    assert status("POST", path, host=host, **{"content-type": "application/json"}) == 421
    assert status("GET", path, kind="websocket", host=host) == "websocket.close"


@pytest.mark.parametrize(
    "query",
    [
        MUTATION,
        f"query a {{version}} {MUTATION}",
        f"# query\n{MUTATION}",
        SUBSCRIPTION,
        "mutation" + "{a" * 5000,
        "not graphql {",
    ],
)
@pytest.mark.parametrize("path", ["/graphql", "/graphql/"])
def test_nothing_changes_by_get_wherever_it_comes_from(query, path):
    asked = get(query).replace("/graphql", path)
    assert status("GET", asked) == 405
    assert status("GET", asked, sec_fetch_site="same-origin") == 405
    assert status("GET", f"{get('{version}')}&query={quote(query)}") == 405
    assert status("GET", asked, sec_fetch_site="cross-site", sec_fetch_mode="no-cors", sec_fetch_dest="image") == 403


FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "http://localhost:3000"},
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"sec_fetch_site": "cross-site", "origin": f"http://{HOST}"},
]


@pytest.mark.parametrize("sender", FOREIGN)
def test_a_page_of_another_origin_reads_and_changes_nothing(sender):
    assert status("POST", "/graphql", **JSON, **sender) == 403
    assert status("GET", get("{version}"), **sender) == 403
    assert status("POST", "/report_asset_materialization/x", **JSON, **sender) == 403
    assert status("GET", "/graphql", kind="websocket", **sender) == "websocket.close"


@pytest.mark.parametrize(
    "media_type",
    [None, "text/plain", "application/graphql", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
     "text/plain; application/json", "application/jsonx"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_a_form_can_send_changes_nothing(media_type, method):
    headers = {} if media_type is None else {"content-type": media_type}
    for path in (get(MUTATION), "/graphql", "/report_asset_check/x", "/"):
        assert status(method, path, **headers) == 415


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/graphql", {**JSON, "origin": f"http://{HOST}", "sec_fetch_site": "same-origin"}),
        ("POST", "/graphql", {"content-type": "application/json; charset=utf-8"}),
        ("GET", get("{version}"), {"sec_fetch_site": "same-origin"}),
        ("GET", "/runs/1", {"sec_fetch_site": "none", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}),
        (
            "GET",
            "/runs/1",
            {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document"},
        ),
        ("GET", "/server_info", {}),
        ("GET", "/static/js/main.js", {"sec_fetch_site": "same-origin"}),
    ],
)
def test_the_ui_itself_and_programs_go_on(method, path, headers):
    assert status(method, path, **headers) == 200


def test_subscriptions_of_the_ui_go_on():
    assert status("GET", "/graphql", kind="websocket", origin=f"http://{HOST}") == "websocket.accept"
    assert status("GET", "/graphql", kind="websocket") == "websocket.accept"


@pytest.mark.parametrize("dest", ["iframe", "frame", "object", "embed", "image", "script"])
def test_no_page_of_another_origin_shows_it_within_itself(dest):
    assert status("GET", "/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest=dest) == 403
    headers = dict(ask("GET", "/")["headers"])
    assert headers[b"x-frame-options"] == b"DENY"
    policy = headers[b"content-security-policy"]
    assert b"frame-ancestors 'none'" in policy
    assert b"img-src 'self' data: blob:" in policy
