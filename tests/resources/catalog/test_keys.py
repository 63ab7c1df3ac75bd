"""Keys of the API and sessions of the desk: how long each counts, and what the catalog keeps of it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from resources.catalog.models.every import METADATA
from tests.resources.catalog.catalog_builders import LATER, NOW
from vitals.errors import ConflictError, NotFoundError

pytest_plugins = ["tests.servers.catalogs"]

HOUR = timedelta(hours=1)
IDLE = timedelta(minutes=30)


def make(catalog, name="desk", **more):
    return catalog.tokens.create("default", name=name, role="reviewer", now=NOW, **more)


def token_id(key):
    return key.split("_")[1]


def begin(catalog, key, *, lasts=12 * HOUR, now=NOW):
    return catalog.sessions.begin(token_id(key), now=now, lasts=lasts)


def everything(catalog):
    def work(connection):
        return [str(connection.execute(text(f"SELECT * FROM {name}")).all()) for name in METADATA.tables]

    return "".join(catalog.database.read("look", work))


def test_a_key_is_recognised_until_it_is_revoked(catalog):
    key = make(catalog)
    found = catalog.tokens.recognise(key, now=NOW).accepted
    assert (found.tenant, found.role, found.name) == ("default", "reviewer", "desk")
    catalog.tokens.revoke("default", "desk", now=LATER)
    after = catalog.tokens.recognise(key, now=LATER)
    assert (after.accepted, after.refusal, after.token.name) == (None, "revoked", "desk")


@pytest.mark.parametrize(
    "wrong", ["", "vg_", "vg_000000000000_" + "a" * 32, "x" * 10_000, "vg_abc'; DROP TABLE upload", "vg_é_\x00"]
)
def test_a_wrong_key_is_nobodys(catalog, wrong):
    found = catalog.tokens.recognise(wrong, now=NOW)
    assert (found.accepted, found.token) == (None, None)
    assert found.refusal in {"malformed", "unknown"}


def test_a_key_with_another_secret_is_refused_and_its_name_known(catalog):
    key = make(catalog)
    found = catalog.tokens.recognise(key[:-1] + ("A" if key[-1] != "A" else "B"), now=NOW)
    assert (found.accepted, found.refusal, found.token.name) == (None, "wrong secret", "desk")


@pytest.mark.parametrize(("after", "counts"), [(-HOUR, True), (timedelta(0), False), (HOUR, False)])
def test_a_key_counts_until_the_instant_it_expires(catalog, after, counts):
    key = make(catalog, expires_at=LATER)
    assert (catalog.tokens.recognise(key, now=LATER + after).accepted is not None) is counts
    assert catalog.tokens.list("default")[0].expires_at == LATER


def test_a_name_belongs_to_one_key_that_counts(catalog):
    make(catalog)
    with pytest.raises(ConflictError):
        make(catalog)


def test_names_of_revoked_and_of_expired_keys_are_free_again(catalog):
    old = make(catalog)
    catalog.tokens.revoke("default", "desk", now=NOW)
    short = make(catalog, expires_at=NOW + HOUR)
    with pytest.raises(ConflictError):
        make(catalog)
    new = catalog.tokens.create("default", name="desk", role="reader", now=NOW + HOUR)
    now = NOW + HOUR
    assert [catalog.tokens.recognise(key, now=now).refusal for key in (old, short, new)] == ["revoked", "revoked", None]
    assert [token.name for token in catalog.tokens.list("default")] == ["desk"] * 3
    catalog.tokens.revoke("default", "desk", now=now)
    with pytest.raises(NotFoundError):
        catalog.tokens.revoke("default", "desk", now=now)


def test_two_tenants_may_give_the_same_name(catalog):
    catalog.tenants.add("other", now=NOW)
    make(catalog)
    key = catalog.tokens.create("other", name="desk", role="reader", now=NOW)
    catalog.tokens.revoke("default", "desk", now=NOW)
    assert catalog.tokens.recognise(key, now=NOW).accepted.tenant == "other"


def test_no_secret_of_a_key_or_a_session_is_in_the_catalog(catalog):
    key = make(catalog)
    secret = begin(catalog, key)
    stored = everything(catalog)
    assert token_id(key) in stored
    assert key.split("_", 2)[2] not in stored
    assert secret not in stored


def test_a_session_counts_until_it_is_ended(catalog):
    key = make(catalog)
    mine, other = begin(catalog, key), begin(catalog, key)
    assert catalog.sessions.find(mine, now=NOW, idle=IDLE).name == "desk"
    catalog.sessions.end(mine)
    catalog.sessions.end(mine)
    assert catalog.sessions.find(mine, now=NOW, idle=IDLE) is None
    assert catalog.sessions.find(other, now=NOW, idle=IDLE) is not None


def test_a_session_ends_after_its_time_however_much_it_is_used(catalog):
    secret = begin(catalog, make(catalog), lasts=2 * HOUR)
    for minutes in range(0, 120, 20):
        assert catalog.sessions.find(secret, now=NOW + timedelta(minutes=minutes), idle=IDLE) is not None
    assert catalog.sessions.find(secret, now=NOW + 2 * HOUR, idle=IDLE) is None


@pytest.mark.parametrize(("pause", "counts"), [(IDLE - timedelta(seconds=1), True), (IDLE, False), (5 * HOUR, False)])
def test_a_session_that_is_not_used_ends(catalog, pause, counts):
    secret = begin(catalog, make(catalog))
    assert (catalog.sessions.find(secret, now=NOW + pause, idle=IDLE) is not None) is counts
    assert (catalog.sessions.find(secret, now=NOW + pause, idle=IDLE) is not None) is counts


@pytest.mark.parametrize("end", ["revoke", "expire"])
def test_a_session_ends_with_its_key(catalog, end):
    key = make(catalog, expires_at=LATER if end == "expire" else None)
    secret = begin(catalog, key)
    other = begin(catalog, make(catalog, "other"))
    if end == "revoke":
        catalog.tokens.revoke("default", "desk", now=NOW)
    assert catalog.sessions.find(secret, now=LATER, idle=2 * HOUR) is None
    assert catalog.sessions.find(other, now=LATER, idle=2 * HOUR) is not None


@pytest.mark.parametrize("wrong", ["", "a" * 32, "é", "\x00", "' OR 1=1 --"])
def test_a_made_up_session_is_nobodys(catalog, wrong):
    begin(catalog, make(catalog))
    assert catalog.sessions.find(wrong, now=NOW, idle=IDLE) is None


def test_sessions_that_are_over_are_not_kept(catalog):
    key = make(catalog)
    for hour in range(5):
        begin(catalog, key, lasts=HOUR, now=NOW + hour * HOUR)
    count = catalog.database.read("count", lambda c: c.execute(text("SELECT count(*) FROM desk_session")).scalar())
    assert count == 1
