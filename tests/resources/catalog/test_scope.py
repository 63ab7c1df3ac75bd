"""The catalog of one tenant: what it shows, what it cannot be asked, and what PostgreSQL hides from it."""

import pytest
from sqlalchemy import create_engine, make_url, text

from resources.catalog.catalog import Catalog
from resources.catalog.rows.tenants import NewAuditEvent
from tests.resources.catalog.catalog_builders import NOW, upload
from vitals.errors import NotFoundError, PermanentError

pytest_plugins = ["tests.servers.catalogs"]


def two_tenants(catalog: Catalog) -> None:
    catalog.tenants.add("other", now=NOW)
    catalog.uploads.register([upload("mine"), upload("theirs", tenant="other")])


def test_a_tenant_sees_its_own_rows_and_no_other(catalog):
    two_tenants(catalog)
    assert [u.upload_id for u in catalog.of_tenant("default").uploads.list()] == ["mine"]
    assert [u.upload_id for u in catalog.of_tenant("other").uploads.list()] == ["theirs"]


def test_another_tenant_cannot_be_named(catalog):
    two_tenants(catalog)
    with pytest.raises(TypeError):
        catalog.of_tenant("default").uploads.list(tenant="other")


def test_a_query_that_takes_no_tenant_cannot_be_asked(catalog):
    two_tenants(catalog)
    with pytest.raises(AttributeError, match="not bound to a tenant"):
        catalog.of_tenant("default").uploads.get(["theirs"])
    with pytest.raises(AttributeError, match="not bound to a tenant"):
        catalog.of_tenant("default").tenants.list()


def test_an_audit_event_of_another_tenant_is_refused(catalog):
    two_tenants(catalog)
    event = NewAuditEvent(tenant="other", at=NOW, actor="a", action="look", target="t")
    with pytest.raises(PermanentError):
        catalog.of_tenant("default").record([event])


def test_a_tenant_that_does_not_exist_has_no_catalog(catalog):
    with pytest.raises(NotFoundError):
        catalog.of_tenant("nobody")


@pytest.mark.integration
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_row_level_security_hides_other_tenants_from_a_query_that_forgot_to_ask(catalog, catalog_url):
    two_tenants(catalog)
    url = make_url(catalog_url)
    with create_engine(url).connect() as owner:
        owner.execute(text("DROP ROLE IF EXISTS plain_user"))
        owner.execute(text("CREATE ROLE plain_user LOGIN PASSWORD 'plain'"))
        owner.execute(text("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO plain_user"))
        owner.commit()
    plain = Catalog(url.set(username="plain_user", password="plain").render_as_string(hide_password=False))
    try:
        everything = plain.database.read("look", lambda c: c.scalars(text("SELECT upload_id FROM upload")).all())
        scoped = plain.database.of_tenant("default")
        own = scoped.read("look", lambda c: c.scalars(text("SELECT upload_id FROM upload")).all())
        after = plain.database.read("look", lambda c: c.scalars(text("SELECT upload_id FROM upload")).all())
        smuggle = text("INSERT INTO audit_event (tenant, at, actor, action, target, details)"
                       " VALUES ('other', now(), 'a', 'b', 'c', '{}')")  # fmt: skip
        with pytest.raises(PermanentError):
            scoped.write("smuggle", lambda c: c.execute(smuggle))
    finally:
        plain.close()
    assert sorted(everything) == sorted(after) == ["mine", "theirs"]
    assert own == ["mine"]
