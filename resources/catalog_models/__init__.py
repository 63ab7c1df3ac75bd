"""The tables of the catalog, as SQLAlchemy models, a module for each thing they are about.

Belongs here: the list of those modules. Importing the package imports all of them, so `base.Base.metadata`
always knows every table. A change of a table needs a migration, and a test compares the two.
Does not belong here: queries (one module per topic), the rows that callers see (`catalog_rows`).

No health value lives in these tables, except in the payload of a partial record that waits for a person.
The external user id lives in `subject` and, because uploaders write it there, in the keys of uploads.
"""

from resources.catalog_models import days, decisions, people, releases, tenants, uploads

__all__ = ["days", "decisions", "people", "releases", "tenants", "uploads"]
