"""What a specification refuses before anything is built, and what it offers instead."""

import pytest

from vitals.errors import UsageError
from vitals.release.licences import HUB, licence_of
from vitals.release.spec import read_spec, unknown


def spec(**changes):
    return read_spec({"name": "r", "version": "1", "license": "mit", "profile": "none", **changes})


@pytest.mark.parametrize(
    ("changes", "meant"),
    [
        ({"tasks": ["nope"]}, "daily_summary"),
        ({"tasks": ["questions"]}, "question"),
        ({"tasks": ["daily_sumary"]}, "daily_summary"),
        ({"tasks": ["question", "Preference"]}, "preference"),
        ({"categories": ["sleep"]}, "sleep_recovery"),
        ({"categories": ["SleepSessionRecord"]}, "sleep_recovery"),
        ({"categories": ["blood_glucose"]}, "metabolic_diabetes"),
        ({"categories": ["BloodGlucoseRecord"]}, "metabolic_diabetes"),
        ({"license": "cc-by-4"}, "cc-by-4.0"),
        ({"license": "apache2"}, "apache-2.0"),
        ({"license": "blah"}, "other"),
        ({"license": "unknown"}, "other"),
        ({"license": "MIT OR nothing"}, "other"),
        ({"license": "other"}, "name"),
        ({"license": "mit", "license_name": "MIT"}, "name"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_may_have_been_meant(changes, meant):
    with pytest.raises(UsageError) as caught:
        spec(**changes)
    assert meant in str(caught.value)


@pytest.mark.parametrize(
    ("given", "identifier", "name", "link"),
    [
        ("CC-BY-4.0", "cc-by-4.0", "", ""),
        ("mit", "mit", "", ""),
        ("llama3.1", "llama3.1", "", ""),
        ("ODC-By-1.0", "other", "ODC-By-1.0", "https://spdx.org/licenses/ODC-By-1.0.html"),
        ("mit or apache-2.0", "other", "MIT OR Apache-2.0", ""),
        ("LicenseRef-Study-7", "other", "LicenseRef-Study-7", ""),
    ],
)
def test_a_licence_is_named_as_the_hub_names_it(given, identifier, name, link):
    found = spec(license=given).licence
    assert (found.identifier, found.name, found.link) == (identifier, name, link)


def test_every_licence_of_the_hub_is_taken_and_a_licence_of_ones_own_has_a_name():
    assert {licence_of(one.upper()).identifier for one in HUB} == HUB
    assert licence_of("other", " Terms of study 7 ").shown == "Terms of study 7"


def test_a_stored_specification_may_name_what_was_allowed_once():
    found = read_spec(
        {"name": "r", "version": "1", "license": "house terms", "profile": "standard", "provisional": True}, stored=True
    )
    assert (found.licence.identifier, found.licence.name) == ("other", "house terms")


def test_nothing_alike_names_all_there_are():
    assert unknown("app", "zzz", ["com.b", "com.a"]) == "no such app: 'zzz'; there are com.a, com.b"
