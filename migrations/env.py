"""How Alembic reaches the catalog: on the connection that `resources.catalog_migrations` hands over."""

from alembic import context

from resources.catalog_migrations import COMPARISON
from resources.catalog_models.every import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, **COMPARISON)
with context.begin_transaction():
    context.run_migrations()
