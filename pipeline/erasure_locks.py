"""Lanes that keep an erasure apart from whatever could bring the person back.

Belongs here: the names of these lanes, and who shares them.
Does not belong here: how a lane is kept (`resources.catalog.lanes`), the lanes of validation and of releases.

    people-T     shared by every stage that reads people's data of tenant T and writes what follows from them; an
                 erasure holds it alone while it removes: a stage that had read the person's data before would write
                 them again afterwards, and files it had not committed yet would be taken for leftovers
    refusing-T   shared while uploads of T are entered in the books; an erasure holds it alone while it says who is
                 refused: an upload that was let through before is then in the books, where the erasure finds it

Neither is reentrant, and whoever holds one of them alone must not call what shares it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from resources.workspace import Workspace

P = ParamSpec("P")
R = TypeVar("R")


def never_during_erasure(
    stage: Callable[Concatenate[Workspace, P], R],
) -> Callable[Concatenate[Workspace, P], R]:
    """The stage (its `tenant` is given by name), which waits while somebody of the tenant is being erased."""

    @wraps(stage)
    def waiting(workspace: Workspace, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with workspace.catalog.shared(_people(str(kwargs["tenant"]))):
            return stage(workspace, *args, **kwargs)

    return waiting


def nothing_computed(workspace: Workspace, tenant: str) -> AbstractContextManager[bool]:
    """While this is held, nothing is computed from people's data of the tenant; waits for what has begun."""
    return workspace.catalog.exclusive(_people(tenant), wait=True)


def refusals_known(workspace: Workspace, tenant: str) -> AbstractContextManager[None]:
    """While this is held, nobody of the tenant becomes refused who was not."""
    return workspace.catalog.shared(_refusing(tenant))


def refusing(workspace: Workspace, tenant: str) -> AbstractContextManager[bool]:
    """Hold this to make somebody of the tenant refused; waits for uploads that are being entered."""
    return workspace.catalog.exclusive(_refusing(tenant), wait=True)


def _people(tenant: str) -> str:
    return f"people-{tenant}"


def _refusing(tenant: str) -> str:
    return f"refusing-{tenant}"
