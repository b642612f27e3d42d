"""Alert rules: promtool takes them, each fires on what it is for, and every metric they name is one of ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import yaml

from bridge.calls import KMS, REGISTRY
from bridge.metrics import Metrics, Stats
from tests.ship.source import ROOT
from tests.ship.tools import built, run

RULES = ROOT / "deploy" / "prometheus"
OURS = re.compile(r"\b(?:sfbridge|kafka_connect)_\w+")
FOREIGN = re.compile(r"_(bucket|count|sum)$")


@pytest.mark.ship
def test_promtool_finds_no_fault_and_every_rule_fires_as_it_should() -> None:
    run(built("promtool"), "check", "rules", "sfbridge.rules.yaml", cwd=RULES)
    run(built("promtool"), "test", "rules", "sfbridge.rules.test.yaml", cwd=RULES)


def test_every_metric_that_rules_and_board_name_is_there() -> None:
    names = set(_exposed())
    assert len(names) > 40
    rules = (RULES / "sfbridge.rules.yaml").read_text()
    board = (ROOT / "docs" / "grafana.json").read_text()
    asked = set(OURS.findall(rules)) | set(OURS.findall(board))
    assert {name for name in asked if name not in names and FOREIGN.sub("", name) not in names} == set()


def test_every_rule_is_tested_and_says_what_to_do() -> None:
    rules = yaml.safe_load((RULES / "sfbridge.rules.yaml").read_text())["groups"][0]["rules"]
    tests = (RULES / "sfbridge.rules.test.yaml").read_text()
    for rule in rules:
        assert {"summary", "description"} == set(rule["annotations"])
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["alert"] in tests or rule["alert"] == "SfbridgeConnectorNotRunning"


def _exposed() -> Iterator[str]:
    metrics = Metrics()
    stats = metrics.register(Stats("orders"))
    stats.last_created_ms, stats.expiries["salesforce.jwt.keystore"] = 1, 1.0
    REGISTRY.add(0.1, "ok", "latest")
    KMS.add(0.1, "ok", "local-kms", "wrap")
    for family in metrics.collect():
        yield family.name
        yield from (sample.name for sample in family.samples)


def test_the_board_is_json() -> None:
    assert json.loads((ROOT / "docs" / "grafana.json").read_text())["uid"] == "sfbridge"
