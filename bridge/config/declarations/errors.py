"""Errors: what is tolerated, logged, sent to the dead-letter topic, tried again."""

from __future__ import annotations

from bridge.config.checks import topic
from bridge.config.property import BOOLEAN, INT, LONG, LOW, STRING, Property, group

ERRORS = group(
    "Error handling",
    Property(
        "errors.tolerance",
        STRING,
        "What happens to an event that cannot be carried: 'none' stops the connector, 'all' logs it, sends "
        "it to the dead-letter topic where one is named, and goes on.",
        default="none",
        valid=("none", "all"),
        case_counts=True,
    ),
    Property(
        "errors.log.enable",
        BOOLEAN,
        "Whether every tolerated event is logged with its reason. Counted it is always.",
        default="true",
    ),
    Property(
        "errors.log.include.messages",
        BOOLEAN,
        "Whether that log holds the event too. If the connector encrypts anything, names are logged, never "
        "values.",
        default="false",
    ),
    Property(
        "errors.deadletterqueue.topic.name",
        STRING,
        "The topic for events that cannot be carried. Empty: there is none.",
        default="",
        check=topic,
        range_text="a topic's name",
    ),
    Property(
        "errors.deadletterqueue.topic.replication.factor",
        INT,
        "The replication factor of the dead-letter topic, if it has to be created.",
        default="3",
        low=-1,
    ),
    Property(
        "errors.deadletterqueue.context.headers.enable",
        BOOLEAN,
        "Whether dead letters carry Kafka Connect's headers about the error.",
        default="true",
    ),
    Property(
        "errors.retry.timeout",
        LONG,
        "How long, in milliseconds, a failed request to the registry or a KMS is tried again; 0 not at all,"
        " -1 for ever. (Kafka Connect's own default is 0.)",
        default="300000",
        low=-1,
    ),
    Property(
        "errors.retry.delay.max.ms",
        LONG,
        "The longest pause, in milliseconds, between two attempts.",
        default="60000",
        low=1,
    ),
    Property(
        "auto.restart.on.user.error",
        BOOLEAN,
        "Whether a connector is restarted after failures that only a person can mend, too. (The managed "
        "connector's default is true; here such a failure ends the connector and says why.) A refused login is "
        "tried once an hour at most.",
        default="false",
        importance=LOW,
    ),
)
