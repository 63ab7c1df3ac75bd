"""Digests: what could be found out by trying names is keyed, wherever it is made and wherever it ends up."""

import ast
import hashlib
from pathlib import Path

import pytest

from operations.consent import decide
from operations.erasure.erasure import forget
from resources.lake.lake import safe_key
from tests.every_byte import hits
from tests.flow import TENANT, installation, land, run_stages
from tests.meter_uploads import meter_upload, reading
from vitals.raw.keys import parse_key

ROOT = Path(__file__).parents[1]
PACKAGES = (
    "vitals",
    "resources",
    "pipeline",
    "operations",
    "assets",
    "sensors",
    "dagster_project",
    "interfaces",
    "migrations",
)
MAKERS = frozenset(
    {
        "sha256",
        "sha1",
        "sha224",
        "sha384",
        "sha512",
        "md5",
        "blake2b",
        "blake2s",
        "sha3_256",
        "new",
        "file_digest",
        "crc32",
    }
)

WITHOUT_A_KEY = {
    # What is hashed has far more unknown than can be tried, or names nobody.
    "pipeline/release/export.py:export": "the manifest of a release",
    "pipeline/release/inputs.py:digest": "contents of training files",
    "pipeline/release/inputs.py:_digest": "settings",
    "pipeline/validated/upload_batch.py:_fetch": "content of an upload",
    "operations/preview.py:_copies": "place of the catalog and a tenant",
    "dagster_project/installation.py:token_counter": "a tokenizer",
    "resources/catalog/sessions.py:_hash": "a random secret of 192 bits",
    "interfaces/api/pages.py:tagged": "an answer, for its ETag",
    "interfaces/api/routes/partials.py:previewed": "ids and versions of rows",
    "interfaces/api/routes/uploads.py:_accepted": "ids of uploads, which are keyed",
    "interfaces/api/routes/uploads.py:hand_in": "content of an upload",
    "interfaces/cli/landing.py:key": "content of an upload",
    "interfaces/desk/completing.py:_digest": "apps and devices that a page offered, to notice that they have changed",
    "dagster_project/identity.py:_check_digests": "to find digests that an earlier version made, and refuse them",
    "resources/catalog/lanes.py:_hold_session": "name of a lane: a tenant's, none of a person",
    "resources/catalog/tokens.py:_hash": "a random secret of 192 bits",
    "resources/lake/objects.py:work": "content of an object",
    "resources/local_files.py:digest": "content of a file",
    "vitals/raw/inflate.py:_inflate_snappy": "a checksum of a block",
    "vitals/raw/schemas.py:_digest": "a schema",
    "vitals/training/day_journal/build.py:_hash": "a line: pseudonym, day and text",
    "vitals/training/line_metadata.py:hash_of": "a line: pseudonym, day and text; keyed digests of its uploads",
    "vitals/training/narrative.py:*": "pseudonym and day, to choose words by",
    "vitals/release/cases.py:case_id": "a pseudonym of the release and a day",
    "vitals/release/deidentify.py:content_id": "a line of a release",
    "vitals/release/manifest.py:manifest": "the specification of a release",
    "vitals/release/manifest.py:spec_of": "the specification of a release",
    "vitals/release/received.py:sums": "the manifest of a release",
    "vitals/release/statistics.py:timeless_digest": "text of a line of a release",
    "vitals/release/spec.py:selection_digest": "the specification of a release",
    "vitals/release/traces.py:_digest": "the subject key, to key others with",
    "vitals/release/writing.py:facts_of_file": "a file of a release",
    "vitals/synthetic/container_writer.py:*": "made-up data",
    "vitals/synthetic/file_names.py:*": "made-up data",
    "vitals/synthetic/truth.py:*": "made-up data",
    "vitals/validated/content_hash.py:*": "a record without its person",
}


def unkeyed() -> dict[str, int]:
    """Module and function of every digest that is made without a key, and the line."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text())
            functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
            for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
                if not _makes_a_digest(call):
                    continue
                inside = [f.name for f in functions if f.lineno <= call.lineno <= (f.end_lineno or 0)]
                found[f"{path.relative_to(ROOT).as_posix()}:{inside[-1] if inside else ''}"] = call.lineno
    return found


def _makes_a_digest(call: ast.Call) -> bool:
    if any(keyword.arg == "key" for keyword in call.keywords):
        return False
    function = call.func
    if isinstance(function, ast.Name):
        return function.id in MAKERS - {"new"}
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return function.value.id in {"hashlib", "zlib"} and function.attr in MAKERS
    return False


def test_every_digest_without_a_key_is_of_something_that_nobody_can_guess():
    strange = {
        place: line
        for place, line in unkeyed().items()
        if place not in WITHOUT_A_KEY and f"{place.partition(':')[0]}:*" not in WITHOUT_A_KEY
    }
    assert strange == {}, "key it (vitals.validated.pseudonyms), or say in WITHOUT_A_KEY why nobody can guess it"


def test_the_list_of_digests_without_a_key_names_none_that_is_gone():
    there = unkeyed()
    modules = {place.partition(":")[0] for place in there}
    assert [
        place
        for place in WITHOUT_A_KEY
        if place not in there and not (place.endswith(":*") and place.partition(":")[0] in modules)
    ] == []


def digests(text: str) -> set[str]:
    """What an unkeyed digest of a text could look like, cut to the lengths that are in use."""
    data = text.encode()
    full = [
        *(hashlib.new(name, data).hexdigest() for name in ("sha256", "sha1", "md5", "sha512")),
        *(hashlib.blake2b(data, digest_size=size).hexdigest() for size in (8, 16, 32, 64)),
    ]
    return {one[:length] for one in full for length in (12, 16, 24, 32, 64, 128)}


@pytest.mark.parametrize(
    "key_form", ["{key}", "default\n{key}", "default/{key}", "{name}", "{stem}", "{user}", "default|{user}"]
)
def test_nothing_that_is_stored_is_a_plain_digest_of_a_key_a_file_name_or_an_id(stored, key_form):
    home, keys = stored
    sought = set()
    for key in keys:
        name = key.rpartition("/")[2]
        parts = {"key": key, "name": name, "stem": name.removesuffix(".avro"), "user": parse_key(key).user}
        sought |= digests(key_form.format(**parts))
    assert hits(home, sought) == {}


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A home after uploads of three people, one of whom refuses and one of whom was erased; and the keys."""
    home = tmp_path_factory.mktemp("digests")
    _, workspace = installation(home)
    uploads = [meter_upload([reading(n) for n in range(5)], user=user) for user in ("anna", "berta", "0815")]
    land(workspace.lake(TENANT), uploads)
    land(workspace.lake(TENANT), [(key.replace("1758", "1759"), b"no Avro file") for key, _ in uploads])
    run_stages(workspace)
    subject = workspace.subject_id(TENANT, "anna")
    decide(workspace, tenant=TENANT, subject_id=subject, granted={"sharing": False}, actor="desk")
    forget(workspace, tenant=TENANT, user="berta", actor="desk", private_key=bytes(32))
    land(workspace.lake(TENANT), uploads)
    run_stages(workspace)
    workspace.catalog.close()
    return home, [key for key, _ in uploads]


def test_what_is_shown_of_a_key_is_keyed_too(stored):
    _, keys = stored
    for key in keys:
        shown = safe_key(key).rpartition("/")[2]
        assert len(shown) == 12
        assert shown not in digests(key) | digests(key.rpartition("/")[2]) | digests(parse_key(key).user)
