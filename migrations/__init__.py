"""Alembic migrations of the catalog; run by `resources.catalog_migrations`, which names them by package."""
