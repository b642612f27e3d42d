"""The connector's Kafka credentials and its topic."""

from __future__ import annotations

from bridge.config.checks import servers, topic_template
from bridge.config.property import BOOLEAN, HIGH, LOW, PASSWORD, STRING, Property, When, group

_MODE = "kafka.auth.mode"

CREDENTIALS = group(
    "Kafka Cluster credentials",
    Property(
        _MODE,
        STRING,
        "How the connector authenticates at Kafka: with an API key given here, or with keys made for a "
        "service account.",
        default="KAFKA_API_KEY",
        valid=("KAFKA_API_KEY", "SERVICE_ACCOUNT"),
        importance=HIGH,
    ),
    Property(
        "kafka.api.key",
        PASSWORD,
        "User name for SASL PLAIN at Kafka. Required with KAFKA_API_KEY, unless the worker sets "
        "security.protocol=PLAINTEXT or SSL, or brings sasl.* settings of its own. With a key, "
        "security.protocol is SASL_SSL where the worker sets none.",
        importance=HIGH,
        used_when=When(_MODE, ("KAFKA_API_KEY",)),
        display="Kafka API key",
    ),
    Property(
        "kafka.service.account.id",
        STRING,
        "The service account for which API keys of Kafka are made, with SERVICE_ACCOUNT.",
        importance=HIGH,
        used_when=When(_MODE, ("SERVICE_ACCOUNT",)),
    ),
    Property(
        "kafka.api.secret",
        PASSWORD,
        "Password for SASL PLAIN at Kafka; goes with kafka.api.key.",
        importance=HIGH,
        used_when=When(_MODE, ("KAFKA_API_KEY",)),
        display="Kafka API secret",
    ),
    Property(
        "kafka.endpoint",
        STRING,
        "The cluster's bootstrap address as an exported configuration names it. Used where the worker names"
        " no bootstrap.servers.",
        importance=LOW,
        check=servers,
        range_text="host:port, several separated by commas",
    ),
)

TOPIC = group(
    "Which topic do you want to send data to?",
    Property(
        "kafka.topic",
        STRING,
        "The topic that is written to. ${_ObjectType} stands for the event's API name, ${Field__c} for the "
        "value of a field. The name is lower-cased afterwards unless kafka.topic.lowercase is false.",
        importance=HIGH,
        required=True,
        check=topic_template,
        range_text="a topic's name, ${field} allowed",
        display="Topic",
    ),
    Property(
        "kafka.topic.lowercase",
        BOOLEAN,
        "Whether the topic's name is lower-cased, as the managed connector does. The self-managed connector"
        " keeps the spelling: set false to go on writing to its topic.",
        default="true",
    ),
)
