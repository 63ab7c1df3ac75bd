"""How a source app is called in a text.

Belongs here: titles of apps we know, and what a text may call one we do not.
Does not belong here: what an app can deliver (`vitals.clinical.source_capabilities`).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from vitals.training.language import violations

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "com.dexcom.stelo": "Dexcom Stelo",
        "com.sec.android.app.shealth": "Samsung Health",
        "com.ouraring.oura": "Oura",
    }
)

UNLISTED = "an unlisted app"

# Android's own grammar of package names. Whatever else stands in that field is somebody's free text.
_PACKAGE = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)+", re.ASCII)
_LONGEST = 60


def _is_package(app: str) -> bool:
    return len(app) <= _LONGEST and _PACKAGE.fullmatch(app) is not None


@lru_cache(maxsize=4096)
def identifier_of(app: str) -> str:
    """What metadata call an app: its package name, or UNLISTED if the field holds no package name."""
    return app if _is_package(app) else UNLISTED


@lru_cache(maxsize=4096)
def title_of(app: str) -> str:
    """Title of a known app, the package name of another, or UNLISTED.

    UNLISTED is for a name that is no package name, or one whose words a text may not say.
    """
    if app in TITLES:
        return TITLES[app]
    sayable = _is_package(app) and not violations(app.replace(".", " ").replace("_", " "))
    return app if sayable else UNLISTED
