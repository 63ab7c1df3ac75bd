"""The tables of the catalog, as SQLAlchemy models, a module for each thing they are about.

A change of a table needs a migration, and a test compares the two.

Belongs here: tables. Does not belong here: queries (one module per topic), the rows that callers see (`catalog_rows`).

No health value lives in these tables, except in the payload of a partial record that waits for a person.
The external user id lives in `subject` and, because uploaders write it there, in the keys of uploads.
"""
