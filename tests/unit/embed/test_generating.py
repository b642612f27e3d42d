from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bridge import embed

SAMPLES = Path(__file__).parents[3] / "schemas"
DESCRIBE = SAMPLES / "Order_Placed__e.describe.json"


def test_the_same_texts_as_by_the_command_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge", "schemas", "generate"]
    subprocess.run(
        [*command, "--describe", str(DESCRIBE), "--out", str(tmp_path)], check=True, capture_output=True
    )
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert embed.schemas(DESCRIBE) == written
    assert embed.schemas(json.loads(DESCRIBE.read_text())) == written


def test_one_format_and_the_tags_of_a_contract() -> None:
    contract = {"event": "Order_Placed__e", "fields": {"Customer_Email__c": {"tags": ["PII"]}}}
    texts = embed.schemas(DESCRIBE, ["AVRO"], contract=contract)
    assert set(texts) == {"Order_Placed__e.avsc", "Order_Placed__e.contract.yaml"}
    assert '"PII"' in texts["Order_Placed__e.avsc"]


def test_numbers_of_a_proto_that_exists_stay() -> None:
    describe = json.loads(DESCRIBE.read_text())
    before = embed.schemas(describe, ["PROTOBUF"])
    shorter = {**describe, "fields": [f for f in describe["fields"] if f["name"] != "Customer_Name__c"]}
    assert embed.schemas(shorter, ["PROTOBUF"], existing=before) == before | {
        "Order_Placed__e.contract.yaml": embed.schemas(shorter, [])["Order_Placed__e.contract.yaml"]
    }


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"formats": ["AVR"]}, "formats"),
        ({"contract": {"event": "Other__e"}}, "contract"),
        (
            {"contract": {"event": "Order_Placed__e", "fields": {"Gone__c": {"tags": ["PII"]}}}},
            "contract: fields.Gone__c",
        ),
    ],
)
def test_a_wrong_parameter_is_named(options: dict[str, object], key: str) -> None:
    with pytest.raises(embed.ConfigurationError) as caught:
        embed.schemas(DESCRIBE, **options)  # type: ignore[arg-type]  # of several types, by parameter
    assert [fault.key for fault in caught.value.faults] == [key]


def test_a_folder_without_an_event_asks_for_it_by_the_parameters_name(tmp_path: Path) -> None:
    with pytest.raises(embed.ConfigurationError) as caught:
        embed.schemas(tmp_path)
    assert caught.value.faults[0].key == "event"


@pytest.mark.parametrize("metadata", [{}, {"name": "X__e"}, {"name": 1, "fields": []}])
def test_what_is_no_metadata_is_one_sentence(metadata: dict[str, object]) -> None:
    with pytest.raises(embed.Fatal) as caught:
        embed.schemas(metadata)
    assert caught.value.message.startswith("metadata: is not a describe")
