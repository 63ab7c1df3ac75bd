"""All tables of the catalog together: what creates, compares, copies or searches every one of them starts here.

Belongs here: the list of the modules with tables; one that is not imported does not exist for SQLAlchemy.
Does not belong here: a table.
"""

from resources.catalog.models import days, decisions, installation, people, releases, tenants, uploads
from resources.catalog.models.base import Base

MODULES = (installation, tenants, people, uploads, decisions, days, releases)

METADATA = Base.metadata
"""Every table of MODULES."""
