"""The Helm chart: linted, rendered from three value files and held to what was rendered before, its settings valid.

After a wanted change: ``make ship ARGS="-k chart --golden"`` writes the golden files anew; look at their difference.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pytest
import yaml

from bridge.config import Config, load_worker
from bridge.inspection.configuration import config_infos
from tests.docs.pages import fences
from tests.ship.source import ROOT
from tests.ship.tools import KUBERNETES, helm

pytestmark = pytest.mark.ship
CHART = ROOT / "deploy" / "helm" / "sfbridge"
VALUES = Path(__file__).with_name("helm")
KINDS = ("minimal", "secured", "full")
PAGE = "the page"


@cache
def rendered(kind: str) -> str:
    if kind == PAGE:
        return of_values(page_values())
    values = VALUES / f"{kind}.values.yaml"
    return helm("template", "crm", CHART, "-n", "data", "--kube-version", KUBERNETES, "-f", values)


def of_values(text: str) -> str:
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return helm("template", "crm", CHART, "-n", "data", "--kube-version", KUBERNETES, "-f", file.name)


def page_values() -> str:
    """The values that docs/kubernetes.md prints."""
    (fence,) = (one for one in fences(ROOT / "docs" / "kubernetes.md") if one.language == "yaml")
    return fence.text


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


def environment(kind: str) -> dict[str, str]:
    """What the worker's container has of what the Secrets hold, and its own name."""
    (container,) = only(kind, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    return {one["name"]: one.get("value") or f"the {one['name']} of nobody" for one in container["env"]}


def worker_of(kind: str, directory: Path) -> Config:
    """The worker, as it would start: its users and its certificate lie here."""
    text = only(kind, "ConfigMap")["data"]["worker.properties"]
    (directory / "users").write_text("")
    here = text.replace("/etc/sfbridge/users/users", str(directory / "users"))
    path = directory / "worker.properties"
    path.write_text("\n".join(line for line in here.splitlines() if "ssl.keystore" not in line))
    return load_worker(path, environ=environment(kind) | {"POD_NAME": "crm-sfbridge-0"})


@pytest.mark.parametrize("kind", [*KINDS, PAGE])
def test_a_worker_would_take_the_properties(kind: str, tmp_path: Path) -> None:
    worker = worker_of(kind, tmp_path)
    assert worker["rest.advertised.host.name"] == "crm-sfbridge-0.crm-sfbridge-workers.data.svc"
    assert worker["listeners"]


@pytest.mark.parametrize("kind", ["full", PAGE])
def test_a_worker_would_take_the_connectors(kind: str, tmp_path: Path) -> None:
    (text,) = only(kind, "ConfigMap", "crm-sfbridge-connectors")["data"].values()
    infos = config_infos(json.loads(text), worker_of(kind, tmp_path), environ=environment(kind))
    faulty = [one["value"]["name"] for one in infos["configs"] if one["value"]["errors"]]
    assert [name for name in faulty if not name.startswith("kafka.api.")] == []


@pytest.mark.parametrize("name", ["SFBRIDGE_REST_USER", "PATH"])
def test_a_connector_may_refer_to_no_other_variable(name: str, tmp_path: Path) -> None:
    given = json.loads(only(PAGE, "ConfigMap", "crm-sfbridge-connectors")["data"]["orders.json"])
    given["kafka.topic"] = f"${{env:{name}}}"
    infos = config_infos(given, worker_of(PAGE, tmp_path), environ=environment(PAGE) | {"PATH": "/bin"})
    (topic,) = (one["value"] for one in infos["configs"] if one["value"]["name"] == "kafka.topic")
    assert any("allowlist.pattern" in error for error in topic["errors"])


@pytest.mark.parametrize("kind", ["full", PAGE])
def test_whoever_asks_for_metrics_is_let_in(kind: str) -> None:
    assert only(kind, "ServiceMonitor")
    peers = only(kind, "NetworkPolicy")["spec"]["ingress"][0]["from"]
    assert any("namespaceSelector" in peer for peer in peers)


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
