"""The table that says whose catalog it is.

Belongs here: its one row.
Does not belong here: what becomes of a catalog that does not fit its keys or its lake (`dagster_project.identity`).
"""

from datetime import datetime

from sqlalchemy import CheckConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from resources.catalog.models.base import Base


class Installation(Base):
    """The installation: a name that its lakes carry too, and what tells its keys from others."""

    __tablename__ = "installation"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    installation_id: Mapped[str]
    # Digests of a constant, keyed with the key in question: they tell whether it is the same, and nothing else.
    subject_key_check: Mapped[str]
    erasure_key_check: Mapped[str]
    # Of the subject key that is to take the present one's place; set while that is under way.
    next_key_check: Mapped[str | None]
    # Subject keys of before, latest first, encrypted with the present one: they tell who was erased under them.
    former_keys: Mapped[list[str]] = mapped_column(server_default=text("'[]'"))
    created_at: Mapped[datetime]
