"""Who sees what: roles, forged requests, what strangers write into names, values and log lines."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.test_journeys import launched

HOSTILE = 'a"><img src=x onerror=alert(1)'
CONTROLS = ("Pause", "Restart", "Stop…", "Delete…")


def test_a_reader_sees_no_control_that_would_be_refused_and_is_refused_when_forging_one(visit: Open) -> None:
    writer = visit()
    writer.sign_in()
    launched(writer, "roles")
    one = visit()
    page = one.sign_in("ben")
    assert not page.get_by_role("link", name="Launch").count()
    one.go("connectors/roles")
    for control in CONTROLS:
        assert not page.get_by_role("button", name=control).count()
    for tab in ("Records", "Dead letters", "Log", "Checks"):
        assert not page.get_by_role("link", name=tab, exact=True).count()
    for path in (
        "connectors/roles/records",
        "connectors/roles/log",
        "launch",
        "connectors/roles/configuration/edit",
    ):
        one.go(path)
        expect(page.get_by_role("alert")).to_contain_text("This needs the role")
    status = page.evaluate(
        """async () => { const token = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
        const headers = {"Content-Type": "application/x-www-form-urlencoded", ...token};
        return (await fetch("/console/connectors/roles/act", {method: "POST", body: "act=stop", headers})).status; }"""
    )
    assert status == 403
    records = visit()
    page = records.sign_in("rae")
    records.go("connectors/roles/records")
    expect(page.locator("details.record").first).to_be_visible()
    assert not page.get_by_role("button", name="Pause").count()


def test_without_the_pages_own_token_nothing_is_changed(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    launched(one, "forged")
    status = page.evaluate(
        """async () => (await fetch("/console/connectors/forged/act", {method: "POST", body: "act=stop",
        headers: {"Content-Type": "application/x-www-form-urlencoded"}})).status"""
    )
    assert status == 403
    expect(page.locator("#head")).to_contain_text(re.compile("Running|Idle"))


def test_a_session_that_has_ended_leads_to_the_sign_in_and_back(visit: Open) -> None:
    one = visit()
    page = one.sign_in()
    one.go("workers")
    one.context.clear_cookies()
    one.go("workers")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill("a pass phrase")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Workers")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example/", "//elsewhere.example", "/console/\\elsewhere", "/console//x"]
)
def test_a_sign_in_leads_to_no_other_place(to: str, visit: Open) -> None:
    one = visit()
    page = one.page
    page.goto(one.console.url + "sign-in?to=" + to)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("a pass phrase")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Connectors", exact=True)).to_be_visible()
    assert page.url == one.console.url


def test_what_strangers_write_is_text(visit: Open) -> None:
    one = visit()
    one.sign_in()
    dialogs: list[str] = []
    one.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page = launched(one, HOSTILE, **{"kafka.topic": "hostile"})
    expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    one.go(f"connectors/{quote(HOSTILE, safe='')}/configuration")
    expect(page.locator("main")).to_contain_text(HOSTILE)
    one.go(f"connectors/{quote(HOSTILE, safe='')}/log")
    expect(page.locator("#lines")).to_be_visible()
    one.go("?search=" + quote(HOSTILE))
    expect(page.get_by_label("Search by name")).to_have_value(HOSTILE)
    assert dialogs == []
    assert not page.locator("img[src=x]").count()


def test_a_page_of_another_site_may_not_hold_ours(visit: Open) -> None:
    one = visit()
    answer = one.page.goto(one.console.url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
