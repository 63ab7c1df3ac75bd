"""The twin: Health Connect uploads of made-up people, with known truth and switchable faults.

Belongs here: the public way in. `generate` gives the uploads, `truth` what is true of them, `cohort` both.
Does not belong here: how anything is made (`simulate` and what it calls), writing files (`write`).

    settings = TwinSettings(seed=1, people=3, days=7, faults=NO_FAULTS | {Fault.FALSE_Z})
    uploads = list(generate(settings))

Equal settings give equal bytes. A person depends on the seed and the place in the cohort only, so a larger cohort
begins with the people of a smaller one.
"""

from collections.abc import Iterator

from vitals.synthetic.bad_files import Made
from vitals.synthetic.faults import ALL_FAULTS, NO_FAULTS, Fault
from vitals.synthetic.settings import TwinSettings, Upload
from vitals.synthetic.simulate import make_files, person_truth
from vitals.synthetic.truth import PersonTruth, Truth

__all__ = ["ALL_FAULTS", "NO_FAULTS", "Fault", "Truth", "TwinSettings", "Upload", "cohort", "generate", "truth"]


def generate(settings: TwinSettings) -> Iterator[Upload]:
    """Uploads of a cohort, person by person, each in order of fetch."""
    for index in range(settings.people):
        for made in make_files(settings, index).made:
            yield made.upload


def cohort(settings: TwinSettings) -> Iterator[tuple[tuple[Made, ...], PersonTruth]]:
    """Uploads and truth of a cohort, person by person, in one pass."""
    for index in range(settings.people):
        files = make_files(settings, index)
        yield files.made, person_truth(files)


def truth(settings: TwinSettings) -> Truth:
    """What is true of a cohort."""
    people = list(cohort(settings))
    return Truth(
        settings=settings,
        people=tuple(person for _, person in people),
        uploads=tuple(m.truth for made, _ in people for m in made),
    )
