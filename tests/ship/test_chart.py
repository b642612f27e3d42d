"""The Helm chart: linted, rendered from three value files and held to what was rendered before, its settings valid.

After a wanted change: ``make ship ARGS="-k chart --golden"`` writes the golden files anew; look at their difference.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import config_of, files
from bridge.config.declarations import WORKER
from bridge.inspection.configuration import config_infos
from tests.ship.source import ROOT
from tests.ship.tools import KUBERNETES, helm

pytestmark = pytest.mark.ship
CHART = ROOT / "deploy" / "helm" / "sfbridge"
VALUES = Path(__file__).with_name("helm")
KINDS = ("minimal", "secured", "full")
NAMES = ("SALESFORCE_PASSWORD", "SALESFORCE_TOKEN", "SALESFORCE_KEY", "SALESFORCE_SECRET")
SECRETS = {name: f"the {name} of nobody" for name in NAMES}


def rendered(kind: str) -> str:
    values = VALUES / f"{kind}.values.yaml"
    return helm("template", "crm", CHART, "-n", "data", "--kube-version", KUBERNETES, "-f", values)


def documents(kind: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(rendered(kind)) if document]


def only(kind: str, what: str, name: str = "crm-sfbridge") -> dict[str, Any]:
    (one,) = (d for d in documents(kind) if d["kind"] == what and d["metadata"]["name"] == name)
    return one


@pytest.mark.parametrize("kind", KINDS)
def test_the_chart_has_no_fault(kind: str) -> None:
    assert "0 chart(s) failed" in helm("lint", "--strict", "-f", VALUES / f"{kind}.values.yaml", CHART)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_rendered_is_as_before(kind: str, pytestconfig: pytest.Config) -> None:
    golden = VALUES / f"{kind}.golden.yaml"
    if pytestconfig.getoption("--golden"):
        golden.write_text(rendered(kind))
    assert rendered(kind) == golden.read_text()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("rest: {usersSecret: x}", "worker"),
        ("worker: {bootstrap.servers: k:9092}\nrest: {usersSecret: ''}", "usersSecret"),
        ("worker: {bootstrap.servers: k:9092}\nrest: {usersSecret: x}\nreplica: 3", "replica"),
        ("worker: {bootstrap.servers: k:9092}\nrest: {usersSecret: x}\nimage: {digest: latest}", "digest"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(values: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text(values)
    with pytest.raises(AssertionError, match=words):
        helm("template", "crm", CHART, "--kube-version", KUBERNETES, "-f", tmp_path / "values.yaml")


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_would_take_the_properties(kind: str, tmp_path: Path) -> None:
    text = only(kind, "ConfigMap")["data"]["worker.properties"]
    given = files.properties(text).values
    assert given["rest.advertised.host.name"] == "${env:POD_NAME}.crm-sfbridge-workers.data.svc"
    users = tmp_path / "users"
    users.write_text("")
    there = {key: value for key, value in given.items() if "${" not in value and "ssl.keystore" not in key}
    config = config_of(there | {"bridge.rest.users.file": str(users)}, WORKER)
    assert config["listeners"]


def test_a_worker_would_take_the_connectors() -> None:
    data = only("full", "ConfigMap", "crm-sfbridge-connectors")["data"]
    (text,) = data.values()
    properties = files.properties(only("full", "ConfigMap")["data"]["worker.properties"]).values
    providers = {
        key: value
        for key, value in properties.items()
        if key.startswith(("config.", "bootstrap.", "schema."))
    }
    infos = config_infos(json.loads(text), config_of(providers, WORKER), environ=SECRETS)
    faulty = [one["value"]["name"] for one in infos["configs"] if one["value"]["errors"]]
    assert [name for name in faulty if not name.startswith("kafka.")] == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_runs_as_root_or_writes_to_its_image(kind: str) -> None:
    for document in documents(kind):
        template = document.get("spec", {}).get("template", {}).get("spec")
        if template is None:
            continue
        assert template["securityContext"]["runAsNonRoot"] is True
        for container in [*template["containers"], *template.get("initContainers", ())]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
