"""What a tenant may set: the values a setting takes, and what is said of others."""

import pytest

from vitals.clinical.context import DEFAULT_SLEEP_GAPS
from vitals.errors import UsageError
from vitals.record_types import BY_KIND
from vitals.tenant_settings import SETTINGS, SLEEP_GAP_DAY, SLEEP_GAP_NIGHT, TenantSetting, read_setting


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.name)
def test_the_default_is_a_value_that_may_be_set_and_it_says_where_it_comes_from(setting: TenantSetting) -> None:
    assert setting.checked(setting.default) == setting.default
    assert setting.source
    assert all(kind.kind in BY_KIND for kind in setting.kinds)
    assert bool(setting.choices) != (setting.limits is not None)


def test_the_limits_of_gaps_of_who_has_set_none_are_those_of_the_settings() -> None:
    assert float(SLEEP_GAP_NIGHT.default) == DEFAULT_SLEEP_GAPS.night_minutes
    assert float(SLEEP_GAP_DAY.default) == DEFAULT_SLEEP_GAPS.day_minutes


@pytest.mark.parametrize(
    ("text", "value"), [("=90", "90"), (" = 90.0 ", "90"), ("=0", "0"), ("=240", "240"), ("=7.5", "7.5")]
)
def test_a_number_within_its_limits_is_read(text: str, value: str) -> None:
    assert read_setting(f"sleep_gap_night_minutes{text}") == (SLEEP_GAP_NIGHT, value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("sleep_gap_night_minutes=241", "from 0 to 240"),
        ("sleep_gap_night_minutes=-1", "from 0 to 240"),
        ("sleep_gap_night_minutes=nan", "from 0 to 240"),
        ("sleep_gap_night_minutes=2 h", "from 0 to 240"),
        ("sleep_gap_day_minutes=121", "from 0 to 120"),
        ("sleep_gap_night_minutes", "another form"),
        ("gap=3", "no such setting"),
    ],
)
def test_anything_else_is_refused_with_what_may_be_set(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_setting(text)


def test_a_choice_is_one_of_its_words() -> None:
    choice = TenantSetting(name="x", meaning="is made up", default="on", source="a test", choices=("on", "off"))
    assert choice.checked(" off ") == "off"
    with pytest.raises(UsageError, match="one of on, off"):
        choice.checked("maybe")
