"""Configurations in the forms of other tools: one connector is found, or one sentence says what the file is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.config.exports import read_export
from bridge.config.migration import Kind, migrate
from bridge.config.secrecy import MASK
from bridge.errors import ConfigurationError
from bridge.inspection.configuration import LOADER

OURS = "SalesforcePlatformEventSource"
SELF_MANAGED = "io.confluent.salesforce.SalesforcePlatformEventSourceConnector"

TERRAFORM = """
# the connector of the staging environment
resource "confluent_environment" "staging" {
  display_name = "Staging"
}
resource "confluent_connector" "sf" {
  kafka_cluster {
    id = confluent_kafka_cluster.basic.id
  }
  config_sensitive = {
    "salesforce.password" = var.salesforce_password
    "salesforce.consumer.secret" : "a \\"quoted\\" one"
  }
  config_nonsensitive = {
    "connector.class"    = "SalesforcePlatformEventSource"
    "name"               = "sf-0"
    "kafka.topic"        = "orders-${var.environment}"
    "tasks.max"          = 1
    "salesforce.jwt.keystore.password" = "$${file:/run/secrets:keystore}"
  }
  lifecycle { prevent_destroy = true }
}
"""
STRIMZI = """
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnector
metadata:
  name: orders
  labels: {strimzi.io/cluster: connect}
spec:
  class: io.confluent.salesforce.SalesforcePlatformEventSourceConnector
  tasksMax: 1
  autoRestart: {enabled: true}
  config:
    kafka.topic: orders
    salesforce.platform.event.name: Order__e
    salesforce.password: ${secrets:kafka/salesforce:password}
    curl.logging: false
"""
CONFLUENT = """
apiVersion: platform.confluent.io/v1beta1
kind: Connector
metadata: {name: orders, namespace: confluent}
spec:
  class: io.confluent.salesforce.SalesforcePlatformEventSourceConnector
  taskMax: 2
  connectClusterRef: {name: connect}
  configs: {kafka.topic: orders}
"""
HELM = """
image: {repository: kafka-connect, tag: "7.9"}
replicas: 2
connectors:
  - name: files
    config: {connector.class: FileStreamSource, file: /tmp/x}
  - name: orders
    config:
      connector.class: io.confluent.salesforce.SalesforcePlatformEventSourceConnector
      kafka.topic: orders
"""
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: connectors}
data:
  other: hello
  orders.json: |
    {"name": "orders", "config": {"connector.class": "SalesforcePlatformEventSource", "kafka.topic": "orders"}}
"""


def export(tmp_path: Path, name: str, text: str) -> dict[str, str]:
    path = tmp_path / name
    path.write_text(text)
    return read_export(path)


def test_a_terraform_resource(tmp_path: Path) -> None:
    assert export(tmp_path, "main.tf", TERRAFORM) == {
        "connector.class": OURS,
        "name": "sf-0",
        "kafka.topic": MASK,
        "tasks.max": "1",
        "salesforce.jwt.keystore.password": "${file:/run/secrets:keystore}",
        "salesforce.password": MASK,
        "salesforce.consumer.secret": 'a "quoted" one',
    }


@pytest.mark.parametrize(
    "document",
    [
        {
            "version": 4,
            "terraform_version": "1.9",
            "resources": [
                {"type": "confluent_environment", "instances": [{"attributes": {"id": "env-1"}}]},
                {
                    "type": "confluent_connector",
                    "instances": [
                        {
                            "attributes": {
                                "config_nonsensitive": {"connector.class": OURS, "name": "sf"},
                                "config_sensitive": {"salesforce.password": "hunter2"},
                            }
                        }
                    ],
                },
            ],
        },
        {
            "format_version": "1.0",
            "values": {
                "root_module": {
                    "resources": [
                        {
                            "type": "confluent_connector",
                            "values": {
                                "config_nonsensitive": {"connector.class": OURS, "name": "sf"},
                                "config_sensitive": {"salesforce.password": "hunter2"},
                            },
                        }
                    ]
                }
            },
        },
    ],
    ids=["state", "show -json"],
)
def test_what_terraform_knows(tmp_path: Path, document: object) -> None:
    values = export(tmp_path, "terraform.tfstate", json.dumps(document))
    assert values == {"connector.class": OURS, "name": "sf", "salesforce.password": "hunter2"}


def test_terraform_as_json_masks_what_is_worked_out(tmp_path: Path) -> None:
    config = {"connector.class": OURS, "kafka.topic": "${_ObjectType}", "name": "${var.name}"}
    document = {"resource": {"confluent_connector": {"sf": {"config_nonsensitive": config}}}}
    values = export(tmp_path, "main.tf.json", json.dumps(document))
    assert values == {"connector.class": OURS, "kafka.topic": "${_ObjectType}", "name": MASK}


def test_a_connector_of_strimzi(tmp_path: Path) -> None:
    values = export(tmp_path, "connector.yaml", STRIMZI)
    assert values["name"] == "orders"
    assert values["connector.class"] == SELF_MANAGED
    assert (values["tasks.max"], values["curl.logging"]) == ("1", "false")
    (finding,) = [f for f in migrate(values, LOADER).findings if f.key == "salesforce.password"]
    assert finding.kind is Kind.FILL_IN
    assert "${secrets:kafka/salesforce:password}" in finding.message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("c.yml", CONFLUENT),
        ("connector", CONFLUENT),
        ("values.yaml", HELM),
        ("map.yaml", f"---\n{CONFIG_MAP}"),
    ],
)
def test_other_resources_and_values(tmp_path: Path, name: str, text: str) -> None:
    values = export(tmp_path, name, text)
    assert (values["name"], values["kafka.topic"]) == ("orders", "orders")
    assert OURS in values["connector.class"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.yaml",
            STRIMZI.replace("KafkaConnector\n", "KafkaConnect\n"),
            "looks like a Kafka Connect cluster",
        ),
        ("a.yaml", "apiVersion: v1\nkind: Service\n", "looks like a Kubernetes resource, a Service"),
        ("a.yaml", "services: {kafka: {image: x}}\n", "looks like a compose file"),
        ("a.yaml", "a: [1\n", "is no YAML in line 2"),
        ("a.yaml", "[" * 200_000, "nested too deeply"),
        ("a.yaml", f"{STRIMZI}---{STRIMZI}", "holds 2 connectors (orders, orders)"),
        ("a.tf", 'resource "aws_s3_bucket" "b" {\n}\n', "looks like Terraform without a confluent_connector"),
        ("a.tf", 'resource "confluent_connector" {{{', "is not Terraform's language"),
        ("a.json", '{"openapi": "3.0", "paths": {}}', "looks like the description of an API"),
        ("a.json", "[]", "is a list without a connector"),
    ],
)
def test_what_is_no_connector_is_named(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        export(tmp_path, name, text)
    (fault,) = caught.value.faults
    assert said in fault.message
    assert fault.key.endswith(name)


def test_security_goes_with_its_brokers() -> None:
    given = {
        "connector.class": SELF_MANAGED,
        "confluent.topic.bootstrap.servers": "kafka:9092",
        "confluent.topic.security.protocol": "SASL_SSL",
        "confluent.topic.sasl.mechanism": "PLAIN",
    }
    taken = migrate(given, LOADER).worker
    assert (taken["bootstrap.servers"], taken["security.protocol"]) == ("kafka:9092", "SASL_SSL")
    other = migrate({**given, "kafka.endpoint": "pkc-1:9092"}, LOADER).worker
    assert other["bootstrap.servers"] == "pkc-1:9092"
    assert "security.protocol" not in other
