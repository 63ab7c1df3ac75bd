"""A cohort as files in a folder.

Belongs here: writing uploads and their truth to a local folder.
Does not belong here: object stores and tenants (`resources`), making uploads (`cohort`).
"""

from pathlib import Path

from vitals.synthetic.cohort import cohort
from vitals.synthetic.settings import TwinSettings
from vitals.synthetic.truth import PersonTruth, Truth, UploadTruth

TRUTH_FILE = "truth.json"


def write_cohort(settings: TwinSettings, folder: Path) -> Truth:
    """Write a cohort under `folder/raw/...`, and `folder/truth.json`.

    Returns:
        The truth. Equal settings write equal files.
    """
    people: list[PersonTruth] = []
    uploads: list[UploadTruth] = []
    for made, person in cohort(settings):
        for one in made:
            path = folder / one.upload.key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(one.upload.data)
            uploads.append(one.truth)
        people.append(person)
    truth = Truth(settings=settings, people=tuple(people), uploads=tuple(uploads))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRUTH_FILE).write_bytes(truth.to_json())
    return truth
