"""Licences that a release may be passed on under.

The names are those of the SPDX list, as `packaging` ships it, and of the Hub's list of licences for data set cards
(https://huggingface.co/docs/hub/repositories-licenses; compare it when a name is refused that the Hub takes). A licence of
one's own is `other`, with a name.

Belongs here: which names there are. Does not belong here: what a card says of a licence (`card`).
"""

from dataclasses import dataclass
from difflib import get_close_matches

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

HUB = frozenset(
    [
        "apache-2.0",
        "mit",
        "openrail",
        "bigscience-openrail-m",
        "creativeml-openrail-m",
        "bigscience-bloom-rail-1.0",
        "bigcode-openrail-m",
        "afl-3.0",
        "artistic-2.0",
        "bsl-1.0",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "bsd-3-clause-clear",
        "c-uda",
        "cc",
        "cc0-1.0",
        "cc-by-2.0",
        "cc-by-2.5",
        "cc-by-3.0",
        "cc-by-4.0",
        "cc-by-sa-3.0",
        "cc-by-sa-4.0",
        "cc-by-nc-2.0",
        "cc-by-nc-3.0",
        "cc-by-nc-4.0",
        "cc-by-nd-4.0",
        "cc-by-nc-nd-3.0",
        "cc-by-nc-nd-4.0",
        "cc-by-nc-sa-2.0",
        "cc-by-nc-sa-3.0",
        "cc-by-nc-sa-4.0",
        "cdla-sharing-1.0",
        "cdla-permissive-1.0",
        "cdla-permissive-2.0",
        "wtfpl",
        "ecl-2.0",
        "epl-1.0",
        "epl-2.0",
        "etalab-2.0",
        "eupl-1.1",
        "eupl-1.2",
        "agpl-3.0",
        "gfdl",
        "gpl",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl",
        "lgpl-2.1",
        "lgpl-3.0",
        "isc",
        "h-research",
        "intel-research",
        "lppl-1.3c",
        "ms-pl",
        "apple-ascl",
        "apple-amlr",
        "mpl-2.0",
        "odc-by",
        "odbl",
        "openmdw-1.0",
        "openrail++",
        "osl-3.0",
        "postgresql",
        "ofl-1.1",
        "ncsa",
        "unlicense",
        "zlib",
        "pddl",
        "lgpl-lr",
        "deepfloyd-if-license",
        "fair-noncommercial-research-license",
        "llama2",
        "llama3",
        "llama3.1",
        "llama3.2",
        "llama3.3",
        "llama4",
        "grok2-community",
        "gemma",
    ]
)
"""The Hub's identifiers but for `other`, and for `unknown`: data of unknown licence may be used by nobody."""

OTHER = "other"
SPDX_PAGE = "https://spdx.org/licenses/{id}.html"
MOST_MATCHES = 3


@dataclass(frozen=True)
class Licence:
    """A licence as a card names it.

    Attributes:
        identifier: of the Hub's list; `other` for one that the Hub does not list.
        name: what the licence is called, if it is `other`; "" otherwise.
        link: where its text is, if that is known; "" otherwise.
    """

    identifier: str
    name: str = ""
    link: str = ""

    @property
    def shown(self) -> str:
        """What tells it from others: its identifier, or its name if it is `other`."""
        return self.name or self.identifier


def licence_of(identifier: str, name: str = "") -> Licence:
    """The licence of an identifier.

    Args:
        identifier: an SPDX identifier or expression, one of the Hub's, or `other`.
        name: what the licence is called; with `other` only.

    Raises:
        ValueError: there is none of that identifier; names those that look like it.
    """
    given = identifier.strip().lower()
    if (given == OTHER) != bool(name.strip()):
        raise ValueError("a licence that is `other` needs a name (--license-name), and no other licence has one")
    if given == OTHER:
        return Licence(OTHER, name.strip())
    if given in HUB:
        return Licence(given)
    try:
        found = str(canonicalize_license_expression(identifier.strip()))
    except InvalidLicenseExpression:
        raise ValueError(_unknown(identifier)) from None
    if found.lower() in HUB:
        return Licence(found.lower())
    is_own = " " in found or found.startswith("LicenseRef-")
    return Licence(OTHER, found, "" if is_own else SPDX_PAGE.format(id=found))


def _unknown(identifier: str) -> str:
    close = get_close_matches(identifier.strip().lower(), sorted(HUB), n=MOST_MATCHES, cutoff=0.5)
    meant = f"; did you mean {', '.join(close)}?" if close else "."
    return (
        f"{identifier!r} is no SPDX identifier and not on the Hub's list of licences{meant} A licence of your own is "
        "`other`, with --license-name"
    )
