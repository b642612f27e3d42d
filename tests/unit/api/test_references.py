"""References in what comes by REST: only what the operator's ``config.providers`` allow, and quoted nowhere."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from bridge.config import load_worker
from bridge.log import TextFormatter, forget_secrets
from bridge.metrics import Metrics
from bridge.worker.plugins import salesforce_plugins
from bridge.worker.records import connector
from tests.support.memory_worker import GOOD, MemoryWorker

VALIDATE = "/connector-plugins/SalesforcePlatformEventSource/config/validate"
PACKAGE = "org.apache.kafka.common.config.provider"
HELD = "Hush-Value;x y/17"
"""Fits no property that takes a choice, a number, a name or a topic."""
AVRO = {"output.data.format": "AVRO", "value.converter.schema.registry.url": "http://127.0.0.1:9"}
MASKING = {"transforms": "m", "transforms.m.type": "org.apache.kafka.connect.transforms.MaskField$Value"}
EVERYWHERE: dict[str, dict[str, str]] = {
    "kafka.topic": {},
    "salesforce.instance": {},
    "salesforce.platform.event.name": {},
    "connection.timeout": {},
    "output.data.format": {},
    "http.proxy": {},
    "value.converter.schema.registry.url": {"output.data.format": "AVRO"},
    "value.converter.schema.registry.ssl.truststore.location": AVRO,
    "bridge.schema.contract": AVRO,
    "bridge.record.key": {},
    "topic.creation.default.replication.factor": {},
    "producer.override.linger.ms": {},
    "producer.override.compression.type": {},
    "transforms": {},
    "predicates": {},
    "transforms.m.type": {"transforms": "m"},
    "transforms.m.fields": {**MASKING},
    "transforms.m.predicate": {**MASKING, "transforms.m.fields": "a"},
    "transforms.m.negate": {**MASKING, "transforms.m.fields": "a"},
    "transforms.r.regex": {
        "transforms": "r",
        "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.r.replacement": "x",
    },
    "predicates.p.pattern": {
        "predicates": "p",
        "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches",
    },
}

Make = Callable[..., MemoryWorker]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    workers: list[MemoryWorker] = []

    def made(*lines: str, environ: Mapping[str, str] = MappingProxyType({})) -> MemoryWorker:
        path = tmp_path / "worker.properties"
        path.write_text("\n".join(["bootstrap.servers=127.0.0.1:1", "security.protocol=PLAINTEXT", *lines]))
        workers.append(MemoryWorker(salesforce_plugins(load_worker(path, environ=environ), Metrics())))
        return workers[-1]

    yield made
    for worker in workers:
        worker.stop()
    forget_secrets()


def providers(directory: Path) -> tuple[str, ...]:
    return (
        "config.providers=env,file,dir",
        f"config.providers.env.class={PACKAGE}.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern=SF_.*",
        f"config.providers.file.class={PACKAGE}.FileConfigProvider",
        f"config.providers.file.param.allowed.paths={directory / 'open'}",
        f"config.providers.dir.class={PACKAGE}.DirectoryConfigProvider",
        f"config.providers.dir.param.allowed.paths={directory / 'open'}",
    )


@pytest.mark.parametrize(
    "reference", ["${env:SF_HUSH}", "${file:/etc/passwd:root}", "${directory:/etc:hostname}"]
)
def test_without_providers_nothing_of_the_worker_can_be_read(
    reference: str, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_HUSH", "hush")
    worker = make()
    for key, more in EVERYWHERE.items():
        _, infos = worker.ask("PUT", VALIDATE, {**GOOD, **more, key: reference})
        told = {
            one["value"]["name"]: one["value"]["errors"] for one in infos["configs"] if one["value"]["errors"]
        }
        assert any("config.providers" in text for text in told[key]), (key, told)
    status, refused = worker.ask(
        "POST", "/connectors", {"name": "sf", "config": {**GOOD, "kafka.topic": reference}}
    )
    assert status == 400
    assert "add to the worker's properties: config.providers=" in refused["message"]


@pytest.mark.parametrize(
    ("reference", "resolves"),
    [
        ("${env:SF_HUSH}", True),
        ("${env:OTHER}", False),
        ("${env:NOT_SF_HUSH}", False),
        ("${file:DIR/open/s.properties:k}", True),
        ("${file:DIR/open/../shut/s.properties:k}", False),
        ("${file:DIR/shut/s.properties:k}", False),
        ("${file:DIR/open-not/s.properties:k}", False),
        ("${file:open/s.properties:k}", False),
        ("${dir:DIR/open:k}", True),
        ("${dir:DIR/shut:k}", False),
        ("${dir:DIR/open/../shut:k}", False),
    ],
)
def test_a_provider_gives_what_it_is_restricted_to(
    reference: str, resolves: bool, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SF_HUSH", "OTHER", "NOT_SF_HUSH"):
        monkeypatch.setenv(name, "hush")
    for name in ("open", "shut", "open-not"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "s.properties").write_text("k=hush\n")
        (tmp_path / name / "k").write_text("hush")
    worker = make(*providers(tmp_path))
    given = {**GOOD, "salesforce.password": reference.replace("DIR", str(tmp_path))}
    infos = worker.ask("PUT", VALIDATE, given)[1]
    assert (infos["error_count"] == 0) is resolves
    assert "hush" not in json.dumps(infos).replace("SF_HUSH", "")


@pytest.mark.parametrize("key", EVERYWHERE)
def test_what_a_reference_stands_for_is_quoted_nowhere(
    key: str, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SF_V", HELD)
    worker = make(*providers(tmp_path))
    given = {**GOOD, **EVERYWHERE[key], key: "${env:SF_V}"}
    created = {"name": "sf", "config": given, "initial_state": "STOPPED"}
    said = json.dumps([worker.ask("PUT", VALIDATE, given), worker.ask("POST", "/connectors", created)])
    if "error(s)" in said and not key.startswith("producer."):  # others would be started, and look for Kafka
        worker.configs.append(
            [connector("sf", {**given, "name": "sf"})]
        )  # an earlier worker may have stored it
        worker.settle()
        paths = ("/connectors/sf/status", "/connectors?expand=info", "/connectors/sf/offsets")
        said += json.dumps([worker.ask("GET", path) for path in paths])
    said += "\n".join(TextFormatter().format(record) for record in caplog.records)
    for piece in (HELD, "hush", "x y", "%3B"):
        assert piece.lower() not in said.lower(), key
    assert key in said


def test_a_stored_connector_whose_reference_no_longer_resolves_says_what_to_add(make: Make) -> None:
    worker = make(f"config.providers=dir\nconfig.providers.dir.class={PACKAGE}.DirectoryConfigProvider")
    given = {
        **GOOD,
        "salesforce.password": "${env:SF_PASSWORD}",
        "salesforce.password.token": "${file:/run/secrets/sf.properties:token}",
        "salesforce.consumer.secret": "${env:SF_SECRET}",
    }
    worker.configs.append([connector("sf", given)])
    worker.settle()
    status = worker.ask("GET", "/connectors/sf/status")[1]["connector"]
    assert status["state"] == "FAILED"
    for line in (
        "config.providers=dir,env,file",
        f"config.providers.env.class={PACKAGE}.EnvVarConfigProvider",
        "config.providers.env.param.allowlist.pattern=SF_PASSWORD|SF_SECRET",
        f"config.providers.file.class={PACKAGE}.FileConfigProvider",
        "config.providers.file.param.allowed.paths=/run/secrets/sf.properties",
    ):
        assert status["trace"].count(line) == 1, status["trace"]
    assert worker.ask("GET", "/connectors/sf")[1]["config"]["salesforce.password"] == "${env:SF_PASSWORD}"


def test_the_lines_to_add_are_enough(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_PASSWORD", "hush")
    path = tmp_path / "s.properties"
    path.write_text("token=hush\n")
    given = {
        **GOOD,
        "salesforce.password": "${env:SF_PASSWORD}",
        "salesforce.password.token": f"${{file:{path}:token}}",
    }
    refused = make().ask("POST", "/connectors", {"name": "sf", "config": given})[1]["message"]
    lines = refused.partition("add to the worker's properties: ")[2].splitlines()[0].split(" ")
    assert make(*lines).ask("PUT", VALIDATE, given)[1]["error_count"] == 0


def test_the_lines_to_add_do_not_lock_out_what_the_worker_itself_refers_to(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_PASSWORD", "hush")
    environ = {"POD_NAME": "crm-0", "PROTOCOL": "PLAINTEXT"}
    own = ("client.id=of-${env:POD_NAME}", "security.protocol=${env:PROTOCOL}")
    given = {**GOOD, "salesforce.password": "${env:SF_PASSWORD}"}
    refused = make(*own, environ=environ).ask("POST", "/connectors", {"name": "sf", "config": given})[1][
        "message"
    ]
    assert (
        "the worker itself refers to ${env:POD_NAME}, ${env:PROTOCOL}, which connectors may then refer to"
        in refused
    )
    assert "allowlist.pattern=POD_NAME|PROTOCOL|SF_PASSWORD" in refused
    lines = refused.partition("add to the worker's properties: ")[2].splitlines()[0].split(" ")
    assert make(*own, *lines, environ=environ).ask("PUT", VALIDATE, given)[1]["error_count"] == 0


def test_a_log_line_of_a_running_connector_does_not_quote_it(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SF_HOST", "hush-host")
    worker = make(*providers(tmp_path))
    given = {**GOOD, "salesforce.instance": "https://${env:SF_HOST}.invalid"}
    worker.herder.plugins[0].run("sf", given, "w")  # is not started
    line = logging.LogRecord(
        "bridge", logging.WARNING, "", 0, "hush-host.invalid cannot be reached", (), None
    )
    assert "hush-host" not in TextFormatter().format(line)


def test_a_name_is_no_reference(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_V", HELD)
    worker = make(*providers(tmp_path))
    given = {**GOOD, "name": "${env:SF_V}"}
    status, told = worker.ask("POST", "/connectors", {"name": "${env:SF_V}", "config": given})
    assert (status, "name: cannot be a reference" in told["message"]) == (400, True), told
