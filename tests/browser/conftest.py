"""One sandbox, one worker on it with users of three roles, one browser; a context for each test, watched throughout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen
from playwright.sync_api import Browser, BrowserContext, Page, Request, sync_playwright

from bridge.api.users import hash_password
from tests.support.bridge_run import wait_until
from tests.support.browser import chromium
from tests.support.ports import free_ports

USERS = {"ada": "write", "rae": "records", "ben": "read"}
PASSWORD = "a pass phrase"
SHOTS = Path(__file__).resolve().parents[2] / ".cache" / "screenshots"
REPORTS = """document.addEventListener("securitypolicyviolation",
    (event) => reportPolicy(`${event.violatedDirective} ${event.blockedURI}`))"""
EXPECTED = ("Failed to load resource: the server responded with a status of 4",)
"""The browser's own line for a 4xx that a test wants."""


@frozen
class Console:
    """Where it is, and what a connector on the sandbox needs."""

    url: str
    files: Path

    def example(self) -> dict[str, str]:
        """The sandbox's own connector, its name and topic left out."""
        config: dict[str, str] = json.loads((self.files / "connector.json").read_text())["config"]
        return {key: text for key, text in config.items() if key not in ("name", "kafka.topic")}


@pytest.fixture(scope="session")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    where = tmp_path_factory.mktemp("console")
    port = free_ports(["rest"])["rest"]
    with _process(
        "sandbox", "--dir", str(where), "--port-base", "0", "--rate", "2", log=where / "sandbox.log"
    ):
        wait_until(lambda: "is up" in (where / "sandbox.log").read_text(), 60, 0.1)
        users = where / "users"
        users.write_text(
            "".join(f"{name}:{hash_password(PASSWORD)}:{role}\n" for name, role in USERS.items())
        )
        worker = where / "own.properties"
        own = {
            "listeners": f"http://127.0.0.1:{port}",
            "bridge.rest.users.file": str(users),
            "bridge.standalone.dir": str(where / "state"),
        }
        lines = "".join(f"{key}={text}\n" for key, text in own.items())
        worker.write_text((where / "worker.properties").read_text() + lines)
        with _process("worker", "--worker", str(worker), log=where / "worker.log"):
            wait_until(lambda: "answers at" in (where / "worker.log").read_text(), 60, 0.1)
            yield Console(f"http://127.0.0.1:{port}/console/", where)


class _process:
    """A command of ours, ended with the block."""

    def __init__(self, *words: str, log: Path) -> None:
        self.words, self.log = words, log

    def __enter__(self) -> None:
        with self.log.open("wb") as out:
            command = [sys.executable, "-m", "bridge", *self.words]
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Ends with its module, since Playwright's event loop would be in the way of other tests of the process."""
    os.environ.setdefault("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium())
        yield browser
        browser.close()


@define(slots=False)
class Visit:
    """One person's window, and what went on behind it."""

    console: Console
    context: BrowserContext
    page: Page
    refused: list[str] = field(factory=list)
    said: list[str] = field(factory=list)
    asked: set[str] = field(factory=set)
    host: str = ""

    def go(self, path: str = "") -> Page:
        """A page of the console."""
        self.page.goto(self.console.url + path)
        return self.page

    def sign_in(self, name: str = "ada") -> Page:
        """As a person does it."""
        page = self.go()
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", name="Connectors", exact=True).wait_for()
        return page

    def note(self, asked: Request) -> None:
        """Remember whom the page asked."""
        if asked.url.startswith("http"):
            self.asked.add(asked.url.split("/")[2])

    def check(self) -> None:
        """No other host, no report of the policy, no error of a script."""
        assert self.asked <= {self.host}, self.asked
        assert self.refused == []
        assert [text for text in self.said if not text.startswith(EXPECTED)] == []


Open = Callable[..., Visit]


@pytest.fixture
def visit(console: Console, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Open]:
    """``visit()``: a new window; options as Playwright's ``new_context``."""
    visits: list[Visit] = []

    def begin(**options: Any) -> Visit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(12_000)
        page = context.new_page()
        one = Visit(console, context, page, host=console.url.split("/")[2])
        context.expose_function("reportPolicy", lambda text: one.refused.append(text))
        context.add_init_script(REPORTS)
        page.on("console", lambda message: one.said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: one.said.append(str(error)))
        page.on("request", lambda asked: one.note(asked))
        visits.append(one)
        return one

    yield begin
    SHOTS.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(visits):
        one.page.screenshot(path=SHOTS / f"{request.node.name[:80]}-{number}.png", full_page=True)
        one.context.close()
    for one in visits:
        one.check()
