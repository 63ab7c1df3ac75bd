"""The desk in a real browser: a reviewer's task, keys, no scripts, a phone, dark and light, and what bars people."""

from datetime import UTC, datetime

import pytest
from selenium.webdriver.common.by import By

from tests.interfaces.api.serving import serving
from tests.interfaces.desk.afternoon import PRICKS, afternoon
from tests.interfaces.desk.browser import Hands, chromium
from tests.waiting import DAY


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """An address, its workspace and the key of a reviewer."""
    settings, workspace = afternoon(tmp_path_factory.mktemp("desk"))
    key = workspace.catalog.tokens.create("default", name="rita", role="reviewer", now=datetime.now(UTC))
    with serving(settings, workspace) as address:
        yield address, workspace, key


@pytest.fixture(scope="module")
def hands(desk):
    with chromium() as driver:
        person = Hands(driver, desk[0])
        person.sign_in(desk[2])
        yield person


def pages(desk, hands):
    """An address of every kind of page."""
    _, workspace, _ = desk
    [waiting] = workspace.catalog.partials.list("default", limit=1)
    subject = waiting.subject_id
    day = f"/desk/people/{subject}/days/{DAY}"
    hands.open(day)
    line = hands.driver.find_element(By.PARTIAL_LINK_TEXT, "daily summary").get_attribute("href")
    rule = f"/desk/rule?kind=blood_glucose&source_app={waiting.payload['source_app']}&field=specimen_source"
    return [
        "/desk/",
        f"/desk/records/{waiting.id}",
        rule,
        "/desk/quarantine?reason=out_of_range:level_mg_dl",
        "/desk/people",
        f"/desk/people/{subject}",
        day,
        line.removeprefix(desk[0]),
        f"{day}/records/blood_glucose",
        "/desk/datasets",
        "/desk/records/999999",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_bars_anybody_from_any_page(desk, hands, scheme):
    hands.prefers(scheme)
    background = "return getComputedStyle(document.documentElement).backgroundColor"
    found = {}
    for page in pages(desk, hands):
        hands.open(page)
        found[page] = hands.barriers()
        red = int(hands.driver.execute_script(background).partition("(")[2].partition(",")[0])
        assert (red < 60) == (scheme == "dark")
    hands.prefers("light")
    assert {page: barriers for page, barriers in found.items() if barriers} == {}


def test_no_page_has_to_be_scrolled_sideways_on_a_phone(desk, hands):
    addresses = pages(desk, hands)
    hands.holds_a_phone()
    wide = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    found = {}
    for page in addresses:
        hands.open(page)
        found[page] = hands.driver.execute_script(wide)
    hands.sits_at_a_desk()
    assert set(found.values()) == {0}, found


def test_each_number_of_a_narrative_leads_to_its_claim_and_the_claim_to_its_records(desk, hands):
    line = next(page for page in pages(desk, hands) if "/lines/" in page)
    hands.open(line)
    values = hands.driver.find_elements(By.CSS_SELECTOR, ".narrative a.value")
    assert values
    targets = {value.get_attribute("href").partition("#")[2] for value in values}
    assert len(targets) > 20
    assert all(hands.driver.find_elements(By.ID, target) for target in targets)
    hands.click("table a[href*='/records/']")
    hands.reads("As they count now")


def test_what_another_bound_would_do_is_shown_before_anything_is_done(desk, hands):
    _, workspace, _ = desk
    hands.open("/desk/quarantine?reason=out_of_range:level_mg_dl&kind=blood_glucose")
    hands.driver.find_element(By.ID, "value").send_keys("640")
    hands.click(".card button")
    hands.reads("rows and files would leave quarantine")
    assert "2 rows and files would leave quarantine" in hands.text
    assert not workspace.catalog.rule_policies.changes("default")


def test_without_scripts_pages_can_be_read_and_a_record_completed(desk):
    address, workspace, key = desk
    with chromium(scripts=False) as driver:
        person = Hands(driver, address)
        person.sign_in(key)
        assert f"{PRICKS} × Blood glucose" in person.text
        [row] = [r for r in workspace.catalog.partials.list("default") if r.missing == ["start_offset_seconds"]]
        person.open(f"/desk/records/{row.id}")
        person.click("input[value='-05:00']")
        person.click("form.card button")
        person.reads("1 record completed")
        assert workspace.catalog.partials.get("default", row.id).status == "completed"


def test_a_reviewer_completes_twenty_records_by_one_rule_in_under_ten_actions(desk, hands):
    _, workspace, _ = desk
    hands.open("/desk/")
    hands.reads(f"{PRICKS} × Blood glucose")
    hands.actions = 0
    hands.press("r")  # complete all by one rule
    hands.reads("Preview")
    hands.press("1")  # capillary blood
    hands.press("p")  # preview
    hands.reads("What it will change")
    assert f"{PRICKS} records of 1 person" in hands.text
    hands.press("y")  # do it
    hands.reads(f"{PRICKS} records completed")
    print(f"\nactions: {hands.actions}")
    assert hands.actions < 10
    rows = workspace.catalog.partials.list("default", status="completed", kind="blood_glucose")
    assert sum(row.missing == ["specimen_source"] for row in rows) == PRICKS


def test_a_decision_is_undone_with_one_click(desk, hands):
    _, workspace, _ = desk
    hands.open("/desk/")
    hands.click("form[action='/desk/undo'] button")
    hands.reads(f"{PRICKS} records wait again")
    assert len(workspace.catalog.partials.list("default")) == PRICKS


def test_records_are_completed_one_after_the_other_by_keys_alone(desk, hands):
    _, workspace, _ = desk
    hands.open("/desk/")
    hands.press("o")
    hands.reads("What it lacks")
    for _ in range(2):
        before = hands.driver.current_url
        hands.press("1")
        hands.press("c")
        hands.reads("Completed; facts and lines follow")
        assert hands.driver.current_url != before
    assert len(workspace.catalog.partials.list("default")) == PRICKS - 2
