"""``sfbridge plugins``: the connector and its properties."""

from __future__ import annotations

import json

import pytest

from bridge.cli.main import main
from bridge.config.classes import CLASSES
from bridge.config.declarations import CHANGES, CONNECTOR, WORKER

Captured = pytest.CaptureFixture[str]
LONG = "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"


def test_list(capsys: Captured) -> None:
    assert main(["plugins", "list"]) == 0
    assert "SalesforcePlatformEventSource  " in capsys.readouterr().out
    assert main(["plugins", "list", "-o", "json"]) == 0
    plugins = json.loads(capsys.readouterr().out)
    assert [set(plugin) for plugin in plugins] == [{"class", "type", "version"}] * 4
    assert [plugin["class"] for plugin in plugins] == list(CLASSES)


@pytest.mark.parametrize("name", [[], ["SalesforcePlatformEventSource"], [LONG]])
def test_describe_names_every_property(name: list[str], capsys: Captured) -> None:
    assert main(["plugins", "describe", *name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [p.key for p in CONNECTOR]
    assert any("NTLM is not supported" in line for line in lines if line.startswith("http.proxy.auth.scheme"))


@pytest.mark.parametrize(
    "name",
    [
        "SalesforceCdcSource",
        "io.confluent.salesforce.SalesforceCdcSourceConnector",
        "SalesforceCdcSourceConnector",
    ],
)
def test_the_connector_of_change_events_has_properties_of_its_own(name: str, capsys: Captured) -> None:
    assert main(["plugins", "describe", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [p.key for p in CHANGES]


def test_describe_as_json_is_config_key_infos(capsys: Captured) -> None:
    assert main(["plugins", "describe", "-o", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == [p.key for p in CONNECTOR.exact()]
    assert main(["plugins", "describe", "--worker", "-o", "json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(list(WORKER.exact()))


def test_an_unknown_class_is_exit_2(capsys: Captured) -> None:
    assert main(["plugins", "describe", "NoSuch"]) == 2
    assert "SalesforcePlatformEventSource" in capsys.readouterr().err


def test_an_action_is_needed(capsys: Captured) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["plugins"])
    assert ended.value.code == 2
