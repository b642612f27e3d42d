"""A keystore goes from somebody's computer into the form of a connector."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_every_page import found
from tests.browser.test_journeys import LONG

KEYSTORE = Path(__file__).parents[1] / "data" / "oauth" / "sample.p12"


def test_a_keystore_is_uploaded_and_never_shown_again(visit: Open, tmp_path: Path) -> None:
    one = visit()
    page = one.sign_in()
    example = one.console.example()
    sent = base64.b64encode(KEYSTORE.read_bytes()).decode()
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.text()) if "launch" in answer.url else None)
    one.go("launch")
    page.get_by_label("Name of the connector").fill("by-keystore")
    page.locator("#f-salesforce-grant-type").select_option("JWT_BEARER")
    upload = page.get_by_label("Or upload the file")
    expect(upload).to_be_visible()
    for key in ("salesforce.instance", "salesforce.username", "salesforce.consumer.key", "kafka.topic",
                "salesforce.platform.event.name", "bridge.salesforce.ca.file"):  # fmt: skip
        page.locator(f"[name='c.{key}']").evaluate(
            "field => field.closest('details')?.setAttribute('open', '')"
        )
        page.locator(f"[name='c.{key}']").fill({"kafka.topic": "by-keystore"}.get(key) or example[key])
    page.locator("#f-salesforce-jwt-keystore-password").fill("confluent")
    field = page.locator("#f-salesforce-jwt-keystore-file")
    (tmp_path / "large.p12").write_bytes(b"x" * (256 * 1024 + 1))
    upload.set_input_files(tmp_path / "large.p12")
    expect(upload.locator("xpath=..")).to_contain_text("large.p12 has 262145 bytes; up to 262144 are taken.")
    expect(field).to_have_value("")
    upload.set_input_files(KEYSTORE)
    expect(field).to_have_value(f"data:text/plain;base64,{sent}")
    expect(page.locator("[name=touched]")).to_have_value(re.compile("salesforce.jwt.keystore.file"))
    expect(field).not_to_have_attribute("aria-invalid", "true")
    assert found(page) == []
    page.get_by_role("button", name="Launch", exact=True).click()
    page.wait_for_url("**/connectors/by-keystore", timeout=LONG)
    expect(page.locator("#head")).to_contain_text(re.compile("Running|Idle"), timeout=LONG)
    one.go("connectors/by-keystore/configuration/edit")
    expect(field).to_have_value("")
    expect(field).to_have_attribute("placeholder", "set; empty keeps it")
    assert answers
    assert sent[:60] not in "".join(answers) + page.content()
