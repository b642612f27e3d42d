"""A connector lives through the move to another KMS key and the end of the old one: real broker, Vault's own SDK."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.main import main
from bridge.sandbox.org import Org
from bridge.sandbox.registry import Registry
from tests.support import kms_doubles
from tests.support.bridge_run import EVENT, Bridge
from tests.support.kafka_broker import Broker
from tests.support.kafka_client import read

CONTRACT = """event: {event}
fields: {{Customer_Email__c: {{tags: [PII]}}}}
rules: [{{name: pii, type: ENCRYPT, tags: [PII], params: {{encrypt.kek.name: sales, encrypt.kms.type: hcvault,
  encrypt.kms.key.id: "{first}", encrypt.dek.expiry.days: "90"}}}}]
"""


def test_a_connector_outlives_its_first_kms_key(
    tmp_path: Path, broker: Broker, org: Org, registry: Registry, capsys: pytest.CaptureFixture[str]
) -> None:
    with kms_doubles.vault() as vault:
        first, second = (f"{vault.url}/transit/keys/{name}" for name in ("k1", "k2"))
        contract = tmp_path / "order.contract.yaml"
        contract.write_text(CONTRACT.format(event=EVENT, first=first))
        bridge = Bridge.of(tmp_path, broker, org)
        bridge.settings |= {
            "output.data.format": "AVRO",
            "csfle.enabled": "true",
            "bridge.schema.contract": str(contract),
        }
        bridge.worker |= {
            "schema.registry.url": registry.url,
            "rule.executors._default_.param.token.id": "good",
        }

        def keys(*words: str) -> int:
            given = ["--worker", str(bridge.worker_file()), "--contract", str(contract)]
            return main(["keys", *words, *given])

        def run() -> None:
            org.publish(EVENT, {"Customer_Email__c": "a@example.com"})
            ended = bridge.run(max_events=1)
            assert ended.error is None, ended.error

        run()
        assert keys("rewrap", "--kek", "sales", "--to", second) == 1  # nobody has said that it may be used
        bridge.worker["bridge.kms.allowed.keys"] = second
        assert keys("verify", "--without", first) == 1
        assert keys("rewrap", "--kek", "sales", "--to", second) == 0
        assert keys("verify", "--without", first) == 0
        vault.gone = {"k1"}
        run()
        assert keys("rotate", "--subject", f"{bridge.topic}-value") == 0
        run()
        capsys.readouterr()
        assert keys("list") == 0
        table = capsys.readouterr().out.partition("\n\n")[2]
        assert table.count(second) == 2
        assert first not in table
        assert keys("verify", "--topic", bridge.topic) == 0
        assert "2 of 2 keys unwrap; 3 of 3 records read, 3 with ciphertext" in capsys.readouterr().out
        assert len(read(broker, bridge.topic)) == 3
