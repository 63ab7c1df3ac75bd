"""A side of a release that should have examples and has none is named, to whoever built it and in the card."""

import pytest

from interfaces.cli.dataset_printing import print_version
from vitals.release.card import _empty_sides
from vitals.release.spec import ReleaseSpec

CASES = [
    # validation share, test share, sides that have examples, sides named
    (0.1, 0.1, ("train", "validation", "test"), ""),
    (0.1, 0.1, ("train", "validation"), "test"),
    (0.1, 0.1, ("train", "test"), "validation"),
    (0.1, 0.1, ("train",), "validation, test"),
    (0.1, 0.1, ("test",), "train, validation"),
    (0.0, 0.1, ("train", "test"), ""),
    (0.0, 0.0, ("train",), ""),
    (0.2, 0.0, ("train",), "validation"),
    (0.5, 0.4, (), "train, validation, test"),
]


@pytest.mark.parametrize(("validation", "test", "sides", "named"), CASES)
def test_the_command_line_warns_of_sides_without_examples_and_of_no_others(capsys, validation, test, sides, named):
    print_version(
        {
            "name": "nights",
            "version": "1",
            "state": "published",
            "reasons": [],
            "successor": None,
            "folder": "releases/nights/1",
            "spec": {"validation_share": validation, "test_share": test},
            "counts": {
                "examples": len(sides),
                "people": len(sides),
                "people_by_side": dict.fromkeys(sides, 1),
                "examples_by_side": dict.fromkeys(sides, 1),
            },
            "fates": {},
            "files": {},
        }
    )
    warned = " ".join(capsys.readouterr().err.split())
    assert warned == (f"warning: no examples on {named}: too few people for every side" if named else "")


@pytest.mark.parametrize(("validation", "test", "sides", "named"), CASES)
def test_the_card_names_the_same_sides(validation, test, sides, named):
    spec = ReleaseSpec(
        name="nights", version="1", license="cc-by-4.0", profile="none", validation_share=validation, test_share=test
    )
    text = " ".join(_empty_sides(spec, sides))
    assert (f"No examples on: {named}." in text) if named else not text
