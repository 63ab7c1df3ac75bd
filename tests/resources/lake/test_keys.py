"""Keys: which may be used, and how they are shown."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.lake.keys import is_usable
from resources.lake.lake import Lake, safe_key
from vitals.errors import UsageError
from vitals.raw.keys import build_key
from vitals.record_types import RECORD_TYPES

BAD_KEYS = [
    "",
    "/raw/x",
    "raw//x",
    "raw/../x",
    "..",
    "raw/./x",
    "raw/x/",
    "raw\\x",
    "raw/x\n",
    "raw/\x00",
    "raw/\x7f",
]
USERS = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/\\%"), min_size=6).filter(
    lambda user: user.isprintable() and user.strip(" .") != "" and not set(user) <= set("0123456789abcdef./")
)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_that_could_leave_the_lake_or_change_on_the_way_is_refused_everywhere(lake: Lake, key: str) -> None:
    calls = [
        lambda: lake.read_object(key),
        lambda: lake.read_objects(["raw/good", key]),
        lambda: lake.write_object(key, b""),
        lambda: lake.head(key),
        lambda: lake.exists(key),
        lambda: lake.delete_objects([key]),
    ]
    for call in calls:
        with pytest.raises(UsageError):
            call()


@pytest.mark.parametrize("prefix", ["..", "raw/../x", "/raw", "raw//x", "raw\\"])
def test_a_prefix_that_could_leave_the_lake_is_refused(lake: Lake, prefix: str) -> None:
    with pytest.raises(UsageError):
        lake.folders(prefix)
    with pytest.raises(UsageError):
        lake.objects(prefix)


@pytest.mark.parametrize("table", ["", "..", "validated/../x", "/validated", "Validated", "a b", "a/", "validated//x"])
def test_a_table_name_that_is_not_lower_case_words_is_refused(lake: Lake, table: str) -> None:
    with pytest.raises(UsageError):
        lake.version(table)


@given(kind=st.sampled_from(RECORD_TYPES), user=USERS, prefixed=st.booleans())
def test_a_shown_upload_key_names_type_and_day_but_not_the_person(kind, user, prefixed) -> None:
    name = kind.prefixed_avro_name if prefixed else kind.avro_name
    try:
        key = build_key(
            type_name=name, landing_day=date(2025, 9, 20), user=user, fetched_ms=1_758_407_139_312, content_hash="h"
        )
    except UsageError:
        return
    shown = safe_key(key)
    assert shown.startswith(f"raw/{name}/2025/09/20/")
    assert user not in shown.removeprefix(f"raw/{name}/2025/09/20/")


@given(key=st.text())
def test_of_an_upload_key_nothing_is_shown_but_type_day_and_hash(key: str) -> None:
    shown = safe_key(f"raw/{key}")
    assert shown in {"raw/", f"raw/{key}"} or len(shown.rsplit("/", 1)[1]) == 12
    if shown == f"raw/{key}" and key:
        # Only whole dated folders are shown as they are.
        assert key.count("/") == 4
        assert key.split("/", 1)[0].endswith("Record")


@pytest.mark.parametrize("key", ["raw/someone/2025/09/20/x.avro", "raw/someone.avro", "raw/StepsRecord/someone/x.avro"])
def test_a_misplaced_upload_key_hides_its_folders_too(key: str) -> None:
    assert "someone" not in safe_key(key)
    assert "StepsRecord" not in safe_key(key)


def test_two_upload_keys_are_shown_differently_and_one_always_the_same() -> None:
    one, two = (f"raw/StepsRecord/2025/09/20/{user}_1758407139312_h.avro" for user in ("ann", "bob"))
    assert safe_key(one) != safe_key(two)
    assert safe_key(one) == safe_key(one)


def test_keys_elsewhere_are_shown_as_they_are() -> None:
    assert safe_key("training/sleep_recovery/2025/09/x.jsonl") == "training/sleep_recovery/2025/09/x.jsonl"


@given(parts=st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=1))
def test_a_usable_key_has_no_part_that_a_path_would_resolve(parts: list[str]) -> None:
    key = "/".join(parts)
    if is_usable(key):
        assert not {"", ".", ".."} & set(key.split("/"))
        assert key.isascii() is False or key.replace(" ", "").isprintable()
