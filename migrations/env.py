"""How Alembic reaches the catalog: on the connection that `resources.catalog.migrations` hands over."""

from alembic import context

from resources.catalog.migrations import COMPARISON
from resources.catalog.models.every import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, **COMPARISON)
with context.begin_transaction():
    context.run_migrations()
