"""Numbers of JSON are the texts that were written, wherever a configuration comes from."""

import json
from collections.abc import Iterator

import pytest

from bridge.api.exchange import Ask, config_in
from bridge.config import exports, files, scalars
from tests.support.memory_worker import JSON, WORKER, MemoryWorker
from tests.vectors.connect_stubs import World, stubs

#: As Kafka Connect 4.3.1 answered them, each sent as a number.
LITERALS = (
    "1.50",
    "12345678.9",
    "0.0001",
    "1E2",
    "1e5",
    "1e400",
    "0.10000000000000000001",
    "12345678901234567890.5",
    "123456789012345678901234567890",
    "-0",
    "-0.0",
    "true",
    "false",
)
CLOUD = "/connect/v1/environments/e/clusters/c/connectors"


@pytest.fixture(scope="module")
def worker() -> Iterator[MemoryWorker]:
    worker = MemoryWorker(stubs(World()))
    yield worker
    worker.stop()


@pytest.mark.parametrize("literal", LITERALS)
def test_a_number_keeps_its_text_in_files_and_exports(literal: str) -> None:
    text = f'{{"name": "n", "config": {{"a": {literal}}}}}'
    assert files.parse(text.encode(), wrapped=True).values["a"] == literal
    assert exports.properties_in(text, ".json")["a"] == literal


def test_a_number_keeps_its_text_by_rest_and_by_the_cloud_s_api(worker: MemoryWorker) -> None:
    numbers = ", ".join(f'"x.{place}": {literal}' for place, literal in enumerate(LITERALS))
    config = f'{{"connector.class": "EmptyPartitionSource", "topic": "t", {numbers}}}'
    for name, path in (("rest", "/connectors"), ("cloud", CLOUD)):
        body = f'{{"name": "{name}", "config": {config}}}'.encode()
        created = worker.site.answer("POST", path, JSON, body, f"http://{WORKER}")
        assert created.status == 201
        assert json.loads(created.content())["config"].items() >= expected().items()
        put = worker.site.answer("PUT", f"{path}/{name}/config", JSON, config.encode(), f"http://{WORKER}")
        assert json.loads(put.content())["config"].items() >= expected().items()


def expected() -> dict[str, str]:
    return {f"x.{place}": literal for place, literal in enumerate(LITERALS)}


def test_numbers_count_as_numbers_elsewhere() -> None:
    ask = Ask("PATCH", (), body=b'{"offset": 120572741, "share": 0.50}', headers=JSON)
    document = ask.json()
    assert (document["offset"] + 1, document["share"] * 2) == (120572742, 1.0)
    assert json.dumps(document) == '{"offset": 120572741, "share": 0.5}'


def test_numbers_of_a_program_are_spelled_as_python_spells_them() -> None:
    assert [scalars.text_of(value) for value in (1.5, 10, True, "x")] == ["1.5", "10", "true", "x"]
    assert config_in({"a": 1.5}) == {"a": "1.5"}
