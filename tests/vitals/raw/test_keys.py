from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vitals.errors import UsageError
from vitals.external_ids import external_id
from vitals.raw.keys import BadKey, ParsedKey, build_key, parse_key
from vitals.record_types import RECORD_TYPES

DAY = "raw/BloodGlucoseRecord/2025/09/20/"
USERS = st.text(st.characters(categories=("L", "Nd"), include_characters="_-.@"), min_size=1, max_size=60).filter(
    lambda user: any(letter.isalnum() for letter in user)
)


@settings(deadline=None, max_examples=300)
@given(
    user=USERS,
    record_type=st.sampled_from(RECORD_TYPES),
    prefixed=st.booleans(),
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    fetched_ms=st.integers(10**12, 10**13 - 1),
    content_hash=st.from_regex(r"[0-9A-Za-z-]+", fullmatch=True).filter(lambda h: len(h) < 65),
)
@example(
    user="u_20250921_101010",
    record_type=RECORD_TYPES[0],
    prefixed=True,
    day=date(2025, 9, 20),
    fetched_ms=10**12,
    content_hash="123456",
)
@example(
    user="a_1758407139312_b",
    record_type=RECORD_TYPES[0],
    prefixed=False,
    day=date(2025, 9, 20),
    fetched_ms=10**12,
    content_hash="0",
)
def test_a_built_key_comes_apart_into_what_it_was_built_from(
    user, record_type, prefixed, day, fetched_ms, content_hash
):
    type_name = record_type.prefixed_avro_name if prefixed else record_type.avro_name
    key = build_key(type_name=type_name, landing_day=day, user=user, fetched_ms=fetched_ms, content_hash=content_hash)
    assert parse_key(key) == ParsedKey(
        key=key,
        type_name=type_name,
        kind=record_type.kind,
        landing_day=day,
        user=external_id(user),
        fetched_ms=fetched_ms,
        device=None,
        content_hash=content_hash,
    )


@settings(deadline=None)
@given(
    user=USERS,
    device=st.from_regex(r"[A-Za-z][0-9A-Za-z-]{0,10}", fullmatch=True),
    content_hash=st.from_regex(r"[0-9a-f]{6,40}", fullmatch=True),
)
def test_the_form_with_a_device_keeps_underscores_in_the_user(user, device, content_hash):
    parsed = parse_key(f"{DAY}{user}_20250920_235959_{device}_{content_hash}.avro")
    assert (parsed.user, parsed.device, parsed.content_hash) == (external_id(user), device, content_hash)
    assert parsed.fetched_ms == 1_758_412_799_000


@settings(deadline=None)
@given(user=USERS)
def test_the_form_with_microseconds_keeps_underscores_in_the_user(user):
    parsed = parse_key(f"{DAY}{user}_20250920_235959_123456.avro")
    assert (parsed.user, parsed.device, parsed.content_hash) == (external_id(user), None, None)
    assert parsed.fetched_ms == 1_758_412_799_123


def test_a_device_name_may_have_an_underscore():
    parsed = parse_key(f"{DAY}a_b_20250920_000000_pixel_8_abc.avro")
    assert (parsed.user, parsed.device, parsed.content_hash) == ("a_b", "pixel_8", "abc")


def test_an_epoch_in_seconds_is_read_as_seconds():
    assert parse_key(f"{DAY}u_1758407139_abc.avro").fetched_ms == 1_758_407_139_000


@pytest.mark.parametrize("name", ["WeightRecord", "AvroWeightRecord", "Vo2MaxRecord", "Anything"])
def test_a_type_that_is_not_processed_is_a_key_without_a_kind(name):
    parsed = parse_key(f"raw/{name}/2025/09/20/u_1758407139312_abc.avro")
    assert (parsed.kind, parsed.type_name) == (None, name)


def test_the_prefix_is_what_the_caller_says():
    key = "bucket/in/StepsRecord/2025/09/20/u_1758407139312_abc.avro"
    assert parse_key(key, prefix="bucket/in/").kind == "steps"
    assert isinstance(parse_key(key), BadKey)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "raw/",
        "raw/StepsRecord/2025/09/20/",
        "raw/StepsRecord/2025/09/20/u_1758407139312_abc.csv",
        "raw/StepsRecord/2025/09/20/u_1758407139312_abc.avro/",
        "raw/StepsRecord/2025/09/20/x/u_1758407139312_abc.avro",
        "raw/StepsRecord/2025/9/20/u_1758407139312_abc.avro",
        "raw/StepsRecord/2025/02/30/u_1758407139312_abc.avro",
        "raw/StepsRecord/0000/01/01/u_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u.avro",
        "raw/StepsRecord/2025/09/20/_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/.._1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u_175840713931_abc.avro",
        "raw/StepsRecord/2025/09/20/u_20251340_101010_abcdef_abc.avro",
        "raw/StepsRecord/2025/09/20/u_20250920_256060_123456.avro",
        "raw/StepsRecord/2025/09/20/u_1758407139312_.avro",
        "raw//2025/09/20/u_1758407139312_abc.avro",
        "raw/../StepsRecord/2025/09/20/u_1758407139312_abc.avro",
        "raw/./StepsRecord/2025/09/20/u_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/%2e%2e_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u%5F1_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/..\\u_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u\n_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u\0_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/u\u202e_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/\ud800_1758407139312_abc.avro",
        "raw/StepsRecord/2025/09/20/" + "u" * 1100 + "_1758407139312_abc.avro",
        "raw/StepsRecord/２０25/09/20/u_1758407139312_abc.avro",
        "RAW/StepsRecord/2025/09/20/u_1758407139312_abc.avro",
        "quarantine/StepsRecord/2025/09/20/u_1758407139312_abc.avro",
    ],
)  # fmt: skip
def test_a_key_of_no_known_form_is_bad(key):
    assert isinstance(parse_key(key), BadKey)


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.text(), st.text(alphabet="u_./%0129\\é").map(lambda name: f"{DAY}{name}.avro")))
def test_any_string_is_a_key_or_a_bad_key_and_a_bad_one_is_not_repeated(key):
    parsed = parse_key(key)
    if isinstance(parsed, BadKey):
        assert parsed.reason.isascii()
        assert len(key) < 8 or key not in parsed.reason
    else:
        assert parsed.user in external_id(key)


@pytest.mark.parametrize("user", ["", "a/b", "a%b", "a\\b", "a\tb", "..", "x" * 1100])
def test_a_key_is_not_built_from_a_user_it_could_not_give_back_and_the_error_does_not_name_the_user(user):
    with pytest.raises(UsageError) as caught:
        build_key(
            type_name="StepsRecord", landing_day=date(2025, 9, 20), user=user, fetched_ms=10**12, content_hash="a"
        )
    assert not user or user not in str(caught.value).replace("/ \\ %", "").replace("..", "")


@pytest.mark.parametrize(
    "change",
    [{"fetched_ms": 12}, {"fetched_ms": -1}, {"content_hash": "a_b"}, {"content_hash": ""}, {"type_name": "a/b"}],
)
def test_a_key_is_not_built_from_parts_that_do_not_fit(change):
    parts = {
        "type_name": "StepsRecord",
        "landing_day": date(2025, 9, 20),
        "user": "u",
        "fetched_ms": 10**12,
        "content_hash": "a",
    }
    with pytest.raises(UsageError):
        build_key(**(parts | change))
