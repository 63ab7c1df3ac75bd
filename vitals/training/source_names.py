"""How a source is called in a text: its app, and its device where the app has several.

Belongs here: titles of apps we know, what a text may call one we do not, and types of devices as words.
Does not belong here: what an app can deliver (`vitals.clinical.source_capabilities`).

A source's name is the identifier of its app, with ``/`` and a device where the day has several devices of the app:
``com.sec.android.app.shealth/phone``, and ``.../phone_2`` for another phone that was not used. A text calls it
"Samsung Health on a phone", "Samsung Health on another phone". Devices are told by their type only, which is one of a
closed set: manufacturer and model are free text of an upload.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from vitals.training.language import violations

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "com.dexcom.stelo": "Dexcom Stelo",
        "com.sec.android.app.shealth": "Samsung Health",
        "com.ouraring.oura": "Oura",
    }
)

UNLISTED = "an unlisted app"
OTHER_APP = "other"
"""What operators are told of every app without a title, where no text of an upload may stand."""

_DEVICES: Mapping[str, str] = MappingProxyType(
    {
        "watch": "watch",
        "phone": "phone",
        "scale": "scale",
        "ring": "ring",
        "head_mounted": "head-mounted device",
        "fitness_band": "band",
        "chest_strap": "chest strap",
        "smart_display": "smart display",
        "consumer_medical_device": "consumer device",
        "glasses": "pair of glasses",
        "hearable": "hearable",
        "fitness_machine": "training machine",
        "fitness_equipment": "piece of training equipment",
        "portable_computer": "portable computer",
        "meter": "meter",
        "unknown": "device of unknown type",
    }
)
"""Type of device in a source's name -> words."""

_COUNTED = ("a", "another", "a third", "a fourth")
"""Before the first, second ... device of one type: a text names no more sources than that."""

# Android's own grammar of package names. Whatever else stands in that field is somebody's free text.
_PACKAGE = re.compile(r"[A-Za-z]\w*(?:\.[A-Za-z]\w*)+", re.ASCII)
_LONGEST = 60


def _is_package(app: str) -> bool:
    return len(app) <= _LONGEST and _PACKAGE.fullmatch(app) is not None


@lru_cache(maxsize=4096)
def identifier_of(app: str) -> str:
    """What metadata call an app: its package name, or UNLISTED if the field holds no package name."""
    return app if _is_package(app) else UNLISTED


def with_names(sources: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Entries of `context.SOURCES_TYPE` with their `name`.

    Only an app with devices that are told apart bears one. Used devices of one type share a name; those not used
    are numbered, for each may say something else.
    """
    entries = list(sources)
    apps = Counter(source["app"] for source in entries if source.get("device") is not None)
    seen: Counter[str] = Counter()
    named: list[Mapping[str, Any]] = []
    for source in sorted(entries, key=lambda each: not each["used"]):
        name = identifier_of(source["app"])
        if apps[source["app"]] > 1 and source.get("device") is not None:
            name = f"{name}/{source['device'].lower()}"
            number = 1 if source["used"] else seen[name] + 1
            seen[name] = number
            name = name if number == 1 else f"{name}_{number}"
        named.append({**source, "name": name})
    return named


def other_of(claim_id: str) -> str:
    """Name of the source in the id of a claim of a source that was not used."""
    return claim_id.partition("#other:")[2].partition(":")[0].partition("#")[0]


def known_title(app: str) -> str:
    """What run histories and pictures of partitions call an app: the title of a known one, OTHER_APP for all others."""
    return TITLES.get(app, OTHER_APP)


def without_unknown_apps(claim_id: str) -> str:
    """The id of a claim with OTHER_APP in place of a source whose app has no title."""
    name = other_of(claim_id)
    app, slash, device = name.partition("/")
    if not name or app in TITLES:
        return claim_id
    return claim_id.replace(f"#other:{name}", f"#other:{OTHER_APP}{slash}{device}", 1)


@lru_cache(maxsize=4096)
def title_of(name: str) -> str:
    """What a text calls a source by its name: the title of a known app, the package name of another, or UNLISTED.

    UNLISTED is for an app's name that is no package name, or one whose words a text may not say.
    """
    app, _, device = name.partition("/") if name not in TITLES else (name, "", "")
    kind, _, number = device.rpartition("_") if device[-1:].isdecimal() else (device, "", "1")
    if kind in _DEVICES:
        # Those beyond the last word are in no text, only in a prompt's list of sources.
        return f"{title_of(app)} on {_COUNTED[min(int(number), len(_COUNTED)) - 1]} {_DEVICES[kind]}"
    if name in TITLES:
        return TITLES[name]
    app = name
    sayable = _is_package(app) and not violations(app.replace(".", " ").replace("_", " "))
    return app if sayable else UNLISTED
