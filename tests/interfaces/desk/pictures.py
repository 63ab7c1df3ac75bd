"""The pictures of the desk in the documentation: `python -m tests.interfaces.desk.pictures`.

Belongs here: taking them, of made-up people.
Does not belong here: any expectation.
"""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from selenium.webdriver.common.by import By

from tests.interfaces.api.serving import serving
from tests.interfaces.desk.afternoon import afternoon
from tests.interfaces.desk.browser import Hands, chromium
from tests.waiting import DAY

IMAGES = Path(__file__).parents[3] / "docs" / "images"


def take(folder: Path) -> None:
    """Write desk-start, desk-record and desk-narrative as PNG."""
    with tempfile.TemporaryDirectory() as home:
        settings, workspace = afternoon(Path(home))
        key = workspace.catalog.tokens.create("default", name="rita", role="reviewer", now=datetime.now(UTC))
        subject = workspace.catalog.partials.list("default", limit=1)[0].subject_id
        with serving(settings, workspace) as address, chromium() as driver:
            hands = Hands(driver, address)
            hands.sign_in(key)
            driver.set_window_size(1200, 900)
            _save(driver, folder / "desk-start.png")
            hands.press("o")
            hands.reads("What it lacks")
            _save(driver, folder / "desk-record.png")
            hands.open(f"/desk/people/{subject}/days/{DAY}")
            driver.find_element(By.PARTIAL_LINK_TEXT, "daily summary").click()
            hands.prefers("dark")
            hands.reads("Claims")
            _save(driver, folder / "desk-narrative.png")


def _save(driver, path: Path) -> None:
    driver.save_screenshot(str(path))


if __name__ == "__main__":
    take(IMAGES)
