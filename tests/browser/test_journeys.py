"""What people come for: launch a connector, look into it, change it, stop it, end it."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, Visit

LONG = 30_000


def launched(one: Visit, name: str, **more: str) -> Page:
    """A connector that runs, made by REST with the browser's own session."""
    page = one.page
    config = one.console.example() | {"name": name, "kafka.topic": f"topic-{name}"} | more
    token = page.evaluate(
        "JSON.parse(document.body.getAttribute('hx-headers:inherited'))['X-SFBridge-Token']"
    )
    answer = one.context.request.post(
        one.console.url.replace("/console/", "/connectors"),
        data={"name": name, "config": config},
        headers={"X-SFBridge-Token": token, "Origin": one.console.url[: -len("/console/")]},
    )
    assert answer.status == 201, answer.text()
    one.go(f"connectors/{quote(name, safe='')}")
    expect(page.locator("#head")).to_contain_text(re.compile("Running|Idle"), timeout=LONG)
    return page


def test_a_connector_is_launched_by_keyboard_alone(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    example = one.console.example()
    page.get_by_role("link", name="Launch a connector").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Launch a connector").wait_for()

    def fill(label: str, text: str) -> None:
        page.get_by_label(label, exact=False).first.focus()
        page.keyboard.press("Control+a")
        page.keyboard.type(text)

    page.get_by_label("Name of the connector").focus()
    page.keyboard.type("by-keyboard")
    for label, key in {
        "Salesforce instance": "salesforce.instance",
        "Salesforce username": "salesforce.username",
        "Salesforce password (needed)": "salesforce.password",
        "Salesforce password token": "salesforce.password.token",
        "Salesforce consumer key": "salesforce.consumer.key",
        "Salesforce consumer secret": "salesforce.consumer.secret",
        "Salesforce platform event name": "salesforce.platform.event.name",
    }.items():
        fill(label, example[key])
    page.locator("#f-kafka-topic").focus()
    page.keyboard.type("by-keyboard")
    page.locator("#f-output-data-format").focus()
    page.keyboard.type("AVRO")
    trust = page.locator("summary", has_text="How should we connect to Salesforce?")
    trust.focus()
    if not page.locator("#f-bridge-salesforce-ca-file").is_visible():
        page.keyboard.press("Enter")
    page.locator("#f-bridge-salesforce-ca-file").focus()
    page.keyboard.type(example["bridge.salesforce.ca.file"])
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Check online").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#job")).to_contain_text("the login is accepted", timeout=LONG)
    page.get_by_role("button", name="Preview the first records").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#job")).to_contain_text("Order_Number__c", timeout=LONG)
    page.get_by_role("button", name="Launch", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/connectors/by-keyboard", timeout=LONG)
    expect(page.locator("#head")).to_contain_text(re.compile("Running|Idle"), timeout=LONG)


def test_a_managed_connectors_file_fills_the_form_and_faults_stand_at_their_fields(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    one.go("launch")
    page.locator("summary", has_text="Begin with a file").click()
    page.get_by_label("The exported configuration").fill(
        '{"name": "exported", "config": {"connector.class": "SalesforcePlatformEventSource", "name": "exported", '
        '"kafka.topic": "from-file", "output.data.format": "CSV", "salesforce.password": "****************", '
        '"salesforce.platform.event.name": "Order_Placed__e", "tasks.max": "1"}}'
    )
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.get_by_label("Name of the connector")).to_have_value("exported")
    expect(page.locator("#f-kafka-topic")).to_have_value("from-file")
    wrong = page.locator("#f-output-data-format")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#f-output-data-format-error")).to_contain_text("is none of")
    wrong.select_option("JSON")
    expect(wrong).not_to_have_attribute("aria-invalid", "true")
    page.get_by_role("button", name="Launch", exact=True).click()
    expect(page.locator("#summary")).to_contain_text("Salesforce password")
    page.get_by_label("The exported configuration").fill("{")
    page.get_by_role("button", name="Fill in the form").click()
    expect(page.get_by_role("alert").first).to_contain_text("is not JSON")


def test_one_is_looked_into_paused_changed_and_deleted(visit: Open) -> None:
    one = visit()
    one.sign_in()
    page = launched(one, "looked-into")
    expect(page.locator("#numbers")).to_contain_text("Delivered here")
    page.get_by_role("link", name="Records").click()
    record = page.locator("details.record").first
    record.locator("summary").click()
    expect(record).to_contain_text("Customer_Email__c")
    assert "@example.com" not in record.inner_text(), "a protected value is ciphertext"
    page.get_by_role("link", name="Schema").click()
    expect(page.locator("#job")).to_contain_text("Customer_Email__c")
    page.get_by_role("link", name="Keys").click()
    expect(page.locator("#job")).to_contain_text("AES256_GCM")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#job")).to_contain_text("Every key opens", timeout=LONG)
    page.get_by_role("link", name="Dead letters").click()
    expect(page.locator("#job")).to_contain_text("every event was carried", timeout=LONG)
    page.get_by_role("link", name="Log").click()
    expect(page.get_by_role("navigation", name="Level")).to_be_visible()

    page.get_by_role("link", name="Configuration").click()
    page.get_by_role("link", name="Change").click()
    page.locator("#f-kafka-topic").fill("elsewhere")
    page.get_by_role("button", name="Show what changes").click()
    expect(page.locator("#difference")).to_contain_text("topic-looked-into")
    expect(page.locator("#difference")).to_contain_text("elsewhere")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**/connectors/looked-into", timeout=LONG)
    expect(page.locator("main")).to_contain_text("→ elsewhere")

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#head")).to_contain_text("Paused", timeout=LONG)
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#head")).to_contain_text(re.compile("Running|Idle"), timeout=LONG)

    page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("button", name="Keep it as it is")).to_be_focused()
    dialog.get_by_label("Type looked-into to confirm").fill("something else")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.locator("#head")).to_contain_text("Nothing was deleted")
    page.get_by_role("button", name="Delete…").click()
    page.get_by_label("Type looked-into to confirm").fill("looked-into")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Connectors", exact=True).wait_for()
    expect(page.locator("#rows")).not_to_contain_text("looked-into", timeout=LONG)


def test_the_position_is_moved_and_moved_back(visit: Open) -> None:
    one = visit()
    one.sign_in()
    page = launched(one, "moved")
    deadline = time.monotonic() + 20
    while not (text := page.locator("#position-id").inner_text()).isdigit() and time.monotonic() < deadline:
        page.wait_for_timeout(500)
    page.get_by_text("Move the position").click()
    page.get_by_label("Replay id").fill(str(int(text) - 3))
    page.get_by_role("button", name="Move it there").click()
    expect(page.locator("#move")).to_contain_text("Moved", timeout=LONG)
    page.get_by_role("button", name="Back to where it was").click()
    expect(page.locator("#move")).to_contain_text("Moved", timeout=LONG)


def test_the_position_is_moved_to_a_time(visit: Open) -> None:
    one = visit()
    one.sign_in()
    page = launched(one, "timed")
    page.get_by_text("Move the position").click()
    page.get_by_label("Or a time").fill("yesterday")
    page.get_by_role("button", name="Find that time").click()
    expect(page.locator("#job")).to_contain_text("must be ISO 8601")
    page.get_by_label("Or a time").fill("1s")
    page.get_by_role("button", name="Find that time").click()
    page.get_by_role("button", name="Go on after").click(timeout=LONG * 2)
    expect(page.locator("#move")).to_contain_text("Moved", timeout=LONG)


def test_the_list_sorts_filters_and_keeps_what_it_knows(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    launched(one, "listed")
    one.go()
    page.get_by_role("link", name="Name", exact=True).click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Name")
    page.get_by_label("Search by name").fill("no such thing")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#rows")).to_contain_text("No connector matches")
    one.go("?search=listed")
    expect(page.get_by_role("link", name="listed", exact=True)).to_be_visible()
    page.route("**/console/rows*", lambda route: route.abort())
    expect(page.locator("#rows .stale")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("link", name="listed", exact=True)).to_be_visible()
    one.said.clear()  # the browser's own lines for what the test has cut


def test_workers_are_shown(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    page.get_by_role("link", name="Workers").click()
    expect(page.locator("#rows")).to_contain_text("leads")
    page.get_by_label("Loggers of the bridge").select_option("DEBUG")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#rows")).to_contain_text("DEBUG and graver")
    page.get_by_label("Loggers of the bridge").select_option("INFO")
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.locator("#rows")).to_contain_text("INFO and graver")
