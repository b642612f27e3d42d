"""What holds for every page: axe finds nothing, in both themes, narrow and wide; contrast where axe cannot judge."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Open
from tests.browser.test_journeys import launched
from tests.support.node import modules

PAGES = (
    "", "?search=no-such-thing", "connectors/axe", "connectors/axe/records", "connectors/axe/configuration",
    "connectors/axe/configuration/edit", "connectors/axe/schema", "connectors/axe/keys", "connectors/axe/letters",
    "connectors/axe/log", "connectors/axe/checks", "launch", "workers", "connectors/there-is-none",
)  # fmt: skip
STATES = ("teal", "blue", "amber", "red", "grey", "accent", "ink", "muted", "link")
RUN = """async () => { const told = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
  "wcag22aa", "best-practice"]}); return {violations: told.violations, incomplete: told.incomplete}; }"""


@cache
def axe() -> str:
    return (modules() / "node_modules" / "axe-core" / "axe.min.js").read_text()


def found(page: Page) -> list[str]:
    """What axe has against a page, one line each; contrast that it cannot decide is another test's."""
    page.evaluate(axe())
    told: dict[str, Any] = page.evaluate(RUN)
    nodes = [(one["id"], node) for one in told["violations"] for node in one["nodes"]]
    lines = [f"{name}: {node['target']} {node.get('failureSummary', '')}" for name, node in nodes]
    open_ones = [one["id"] for one in told["incomplete"] if one["id"] != "color-contrast"]
    return lines + open_ones


@pytest.mark.parametrize(("theme", "width"), [("light", 1920), ("dark", 360), ("dark", 1920), ("light", 360)])
def test_axe_finds_nothing(theme: Any, width: int, visit: Open) -> None:
    one = visit(color_scheme=theme, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    page = one.sign_in()
    if not page.get_by_role("link", name="axe", exact=True).count():
        launched(one, "axe")
    for number, path in enumerate(PAGES):
        one.go(path)
        if "/records" in path or "/keys" in path:
            expect(page.locator("#job")).to_contain_text(re.compile("orders|topic|sandbox"), timeout=20_000)
        assert found(page) == [], path
        overflow = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert overflow <= 0, f"{path} is wider than {width} px by {overflow}"
        page.screenshot(path=SHOTS / f"page-{theme}-{width}-{number:02}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_and_lines_can_be_told_from_the_page(theme: Any, visit: Open) -> None:
    """WCAG 2.2: 4.5 for text (1.4.3), 3 for what else must be seen (1.4.11); computed, as axe leaves it undecided."""
    one = visit(color_scheme=theme)
    page = one.sign_in()
    colours = page.evaluate(
        """(names) => Object.fromEntries(names.map((name) => { const probe = document.createElement("i");
        probe.className = "probe"; document.body.append(probe); probe.setAttribute("hidden", "");
        const sheet = new CSSStyleSheet(); sheet.replaceSync(`.probe { color: var(--${name}) }`);
        document.adoptedStyleSheets = [sheet]; const value = getComputedStyle(probe).color; probe.remove();
        return [name, value]; }))""",
        [*STATES, "page", "card", "field"],
    )
    parsed = {
        name: tuple(float(part) for part in re.findall(r"[\d.]+", text)[:3]) for name, text in colours.items()
    }
    for name in STATES:
        for ground in ("page", "card"):
            assert contrast(parsed[name], parsed[ground]) >= 4.5, (theme, name, ground)
    assert contrast(parsed["field"], parsed["page"]) >= 3


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Of two colours, as WCAG defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: tuple[float, ...]) -> float:
    parts = [c / 255 for c in colour]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_each_state_has_a_shape_and_a_word_of_its_own() -> None:
    from bridge.api.console.words import CONDITIONS
    from bridge.worker.glance import CONDITIONS as TOLD

    assert set(CONDITIONS) == set(TOLD)
    assert len({one.shape for one in CONDITIONS.values()}) == len(CONDITIONS)
    assert len({one.word for one in CONDITIONS.values()}) == len(CONDITIONS)
