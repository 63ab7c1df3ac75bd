"""Cohorts that several tests look at: everything switched on, and nothing."""

from dataclasses import dataclass

import pytest

from vitals.synthetic.cohort import ALL_FAULTS, NO_FAULTS, Truth, TwinSettings, Upload, cohort


@dataclass(frozen=True)
class Made:
    settings: TwinSettings
    uploads: list[Upload]
    truth: Truth


def make(**settings) -> Made:
    chosen = TwinSettings(**settings)
    people = list(cohort(chosen))
    made = [m for files, _ in people for m in files]
    truth = Truth(settings=chosen, people=tuple(p for _, p in people), uploads=tuple(m.truth for m in made))
    return Made(chosen, [m.upload for m in made], truth)


@pytest.fixture(scope="session")
def faulty() -> Made:
    return make(seed=11, people=7, days=7, faults=ALL_FAULTS)


@pytest.fixture(scope="session")
def faultless() -> Made:
    return make(seed=11, people=7, days=4, faults=NO_FAULTS)
