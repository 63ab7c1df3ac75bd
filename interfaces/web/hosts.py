"""By which names a server may be asked, and which origins are its own.

Belongs here: the check of `Host` (a page that resolves a name of its own to this machine is refused), and of `Origin`.
Does not belong here: who calls (`api.doorway`), or which requests change something (`ui.guard`).
"""

import re
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

LOOPBACK: Final = ("localhost", "127.0.0.1", "[::1]")
REMEDY: Final = (
    "the name in Host is none that this server answers to; ask it by its own name, or add the name to "
    "VITALGRAPH_ALLOWED_HOSTS and start it again"
)

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)


class AllowedHosts:
    """Names that a server answers to: those of loopback, and what its operator adds.

    Args:
        names: further names without a port; `*.example.org` allows every name below, `*` every name there is.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        given = {name.lower() for name in names}
        self._every = "*" in given
        self._names = frozenset({*LOOPBACK, *(name for name in given if not name.startswith("*"))})
        self._below = tuple(name[1:] for name in given if name.startswith("*."))

    def allow(self, scope: Scope) -> bool:
        """Say whether a request names this server: exactly one Host, of one of the names."""
        given = values_of(scope, b"host")
        found = _HOST.fullmatch(given[0].lower()) if len(given) == 1 else None
        if found is None:
            return False
        return self._every or found["name"] in self._names or found["name"].endswith(self._below)


def values_of(scope: Scope, name: bytes) -> list[str]:
    """Return every value of a header, in the order in which they came."""
    return [value.decode("latin-1").strip() for key, value in scope["headers"] if key == name]


def is_own_page(scope: Scope) -> bool:
    """Say whether a request that changes something was sent by a page of this server, or by no browser at all.

    Browsers name the sender in `Sec-Fetch-Site` and, with anything but a plain read, in `Origin`; no script can remove
    either. Behind a proxy that ends TLS the scheme may be another than the browser's, so the host alone is compared.
    """
    sites = values_of(scope, b"sec-fetch-site")
    if any(site not in {"same-origin", "none"} for site in sites):
        return False
    origins = values_of(scope, b"origin")
    hosts = values_of(scope, b"host")
    own = {f"{scheme}://{host}".lower() for scheme in ("http", "https") for host in hosts}
    return all(origin.lower() in own for origin in origins)
