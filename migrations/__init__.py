"""Alembic migrations of the catalog; run by `resources.catalog.migrations`, which names them by package."""
