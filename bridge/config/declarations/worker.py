"""The worker: Kafka Connect's names for brokers, topics, exactly-once and REST."""

from __future__ import annotations

from typing import Final

from bridge.config.checks import egress_list, file, rest_extension, servers, topic
from bridge.config.declarations.accepted import UNKNOWN
from bridge.config.property import BOOLEAN, HIGH, INT, LIST, LONG, LOW, PASSWORD, STRING, Property, group

GROUP_ID: Final = "sfbridge"
"""The group of a bridge that was given none."""

_CLIENTS: Final = """
    client.dns.lookup connections.max.idle.ms default.api.timeout.ms enable.metrics.push metadata.max.age.ms
    metadata.recovery.rebootstrap.trigger.ms metadata.recovery.strategy receive.buffer.bytes
    reconnect.backoff.max.ms reconnect.backoff.ms request.timeout.ms retry.backoff.max.ms retry.backoff.ms
    send.buffer.bytes socket.connection.setup.timeout.max.ms socket.connection.setup.timeout.ms
"""

_POLICY: Final = "org.apache.kafka.connect.connector.policy."
_POLICIES: Final = ("All", "None", "Principal", "Allowlist")


def _client(key: str) -> Property:
    return Property(key, STRING, "As for any of Kafka's clients; for all of this worker's.", importance=LOW)


KAFKA = group(
    "Worker: Kafka",
    Property(
        "bootstrap.servers",
        STRING,
        "The brokers to begin with. Without it the connector's kafka.endpoint counts.",
        importance=HIGH,
        check=servers,
        range_text="host:port, several separated by commas",
    ),
    Property(
        "group.id",
        STRING,
        "The name of this group of workers. It is part of transactional ids, and must not be the group of a"
        " Kafka Connect cluster.",
        default=GROUP_ID,
        importance=HIGH,
        check=topic,
        range_text="letters, digits, '.', '_' and '-'",
    ),
    Property(
        "bridge.egress.allowed",
        STRING,
        "The hosts that connectors may name: names, *.domain for what is below one, networks such as 10.0.0.0/8, each "
        "with :port where only that is meant. It binds Salesforce, the address that its login sends on to, Pub/Sub, "
        "proxies, brokers, registries and KMS; what this file names itself, host and port, stays open. Without it, "
        "any.",
        check=egress_list,
        range_text="hosts, separated by commas",
        importance=LOW,
    ),
    Property(
        "client.id", STRING, "The name clients give themselves at the broker.", default="", importance=LOW
    ),
    *(_client(key) for key in _CLIENTS.split()),
    Property(
        "producer.*",
        STRING,
        "Any setting of Kafka's producer; a connector's producer.override.* goes before it.",
        importance=LOW,
    ),
    Property(
        "connector.client.config.override.policy",
        STRING,
        "Which producer.override.* connectors may have: All, None, Principal (sasl.jaas.config, sasl.mechanism and "
        "security.protocol) or Allowlist (connector.client.config.override.allowlist).",
        default="All",
        valid=_POLICIES,
        aliases={f"{_POLICY}{name}ConnectorClientConfigOverridePolicy": name for name in _POLICIES},
        importance=LOW,
    ),
    Property(
        "connector.client.config.override.allowlist",
        LIST,
        "The settings, without producer.override., that the policy Allowlist allows.",
        default="",
        importance=LOW,
    ),
    Property("consumer.*", STRING, "Any setting of Kafka's consumer.", importance=LOW),
    Property("admin.*", STRING, "Any setting of Kafka's admin client.", importance=LOW),
)


def _storage(kind: str, what: str, partitions: int) -> tuple[Property, ...]:
    plural = {"offset": "offsets", "config": "configs", "status": "status"}[kind]
    return (
        Property(
            f"{kind}.storage.topic",
            STRING,
            f"The compacted topic that keeps {what}. It must not be one of a living Kafka Connect cluster.",
            default=f"${{group.id}}-{plural}",
            importance=HIGH,
            check=topic,
            range_text="a topic's name",
        ),
        Property(
            f"{kind}.storage.replication.factor",
            INT,
            "Its replication factor, if it has to be created; -1 is the broker's default.",
            default="3",
            low=-1,
            importance=LOW,
        ),
        Property(
            f"{kind}.storage.partitions",
            INT,
            "Its number of partitions, if it has to be created.",
            default=str(partitions),
            low=1,
            high=None if partitions > 1 else 1,
            importance=LOW,
        ),
    )


STATE = group(
    "Worker: state",
    *_storage("offset", "positions", 25),
    *_storage("config", "connector configurations", 1),
    *_storage("status", "the state of connectors", 5),
    Property(
        "exactly.once.source.support",
        STRING,
        "'enabled' commits records and position in one transaction; 'disabled' writes the position after "
        "the records are acknowledged (at least once). 'preparing' means disabled. (Kafka Connect's default"
        " is disabled.)",
        default="enabled",
        valid=("disabled", "preparing", "enabled"),
        importance=HIGH,
    ),
    Property(
        "topic.creation.enable",
        BOOLEAN,
        "Whether connectors may have output topics created by topic.creation.default.*.",
        default="true",
        importance=LOW,
    ),
    Property(
        "bridge.standalone.dir",
        STRING,
        "A directory for a worker without a group ('sfbridge worker --standalone DIR' goes before it): connectors, what"
        " they are wanted to be, and requests are kept there, by one process; positions stay in the offsets topic.",
        importance=LOW,
    ),
    Property(
        "bridge.lifecycle.topic",
        STRING,
        "A topic for what becomes of connectors: each change of a state, with its reason, as a CloudEvent. It is "
        "written beside the data path: no connector waits for it, or fails with it. Empty: nothing is told.",
        check=topic,
        range_text="a topic's name",
        importance=LOW,
    ),
)

REST = group(
    "Worker: REST",
    Property(
        "listeners",
        LIST,
        "Where the REST API listens. It is bound to this machine unless told otherwise.",
        default="http://127.0.0.1:8083",
        importance=LOW,
    ),
    Property(
        "session.timeout.ms",
        INT,
        "After how many milliseconds without a sign of life a worker's connectors go to another one; the "
        "brokers' group.min.session.timeout.ms is the least.",
        default="6000",
        low=1000,
        high=300_000,
        importance=LOW,
    ),
    Property(
        "heartbeat.interval.ms",
        INT,
        "How often a worker gives a sign of life; a third of session.timeout.ms at most.",
        default="1000",
        low=100,
        importance=LOW,
    ),
    Property(
        "bridge.shutdown.timeout.ms",
        LONG,
        "How long, in milliseconds, a worker that is stopped may take to deliver and commit what its connectors "
        "received, all of them together. Then it ends with exit code 1, and says what was not committed.",
        default="30000",
        low=1000,
        importance=LOW,
    ),
    Property(
        "bridge.rest.users.file",
        STRING,
        "A file of those who may use the REST API, a line 'name:hash[:role]' each; 'sfbridge worker --hash-password' "
        "makes the hash. Lines whose name begins with 'bearer' are bearer tokens. Roles are read, records (what is in "
        "topics) and write, each including the one before; without one it is write. The file is read "
        "again when it changes.",
        check=file,
        range_text="a file that exists",
        importance=LOW,
    ),
    Property(
        "bridge.console.enable",
        BOOLEAN,
        "Whether the listeners serve the console, pages for a browser, under /console/. Unless it is set they do where "
        "bridge.rest.users.file says who may ask, or where all of them are on a loopback address.",
        importance=LOW,
    ),
    Property(
        "bridge.rest.allow.anonymous",
        BOOLEAN,
        "Whether a listener that others can reach may do without bridge.rest.users.file.",
        default="false",
        importance=LOW,
    ),
    Property(
        "bridge.rest.mask.literals",
        BOOLEAN,
        "Whether secrets that stand in a connector's configuration come back masked. 'false' shows them, as Kafka "
        "Connect does, to those who may write; for tools that compare what they sent with what they read. References "
        "are the better way: they come back as they were sent.",
        default="true",
        importance=LOW,
    ),
    Property(
        "bridge.rest.allowed.hosts",
        LIST,
        "Further names that requests may give in their Host header, besides the listener's and the advertised "
        "one; '*' is any.",
        default="",
        importance=LOW,
    ),
    Property(
        "listeners.https.ssl.keystore.location",
        STRING,
        "The PEM file with the key and the certificates of the https listeners.",
        check=file,
        range_text="a file that exists",
        importance=LOW,
    ),
    Property("listeners.https.ssl.key.password", PASSWORD, "The password of that key.", importance=LOW),
    Property(
        "rest.advertised.host.name", STRING, "The host other workers reach this one at.", importance=LOW
    ),
    Property(
        "rest.advertised.port",
        INT,
        "The port other workers reach this one at.",
        low=1,
        high=65535,
        importance=LOW,
    ),
    Property(
        "rest.advertised.listener",
        STRING,
        "The protocol other workers use.",
        valid=("http", "https"),
        importance=LOW,
    ),
)

KEYS = group(
    "Worker: encryption keys",
    Property(
        "bridge.kms.allowed.keys",
        LIST,
        "Beginnings of the ids of KMS keys that may encrypt and decrypt for this worker, such as "
        "'arn:aws:kms:eu-central-1:111122223333:' or 'https://vault.example.com:8200/transit/keys/sales'. Without it "
        "the keys that a connector's contract names, or, where none does, any key of AWS, Azure and Google Cloud and "
        "of the Vault at VAULT_ADDR. An entry may begin with http:// for a Vault without TLS. 'sfbridge keys rewrap' "
        "takes a key that is named here or in a contract.",
        default="",
        importance=LOW,
    ),
    Property(
        "bridge.kek.shared",
        LIST,
        "Names of KEKs that are shared: the registry makes their keys and knows them. A contract says it with "
        "encrypt.kek.shared: 'true' in the rule's params; without a contract what is so at the first start is taken as "
        "meant.",
        default="",
        importance=LOW,
    ),
)

CLOUD = group(
    "Worker: Confluent Cloud",
    Property(
        "confluent.cloud.api.key",
        PASSWORD,
        "The cloud API key that mints keys for service accounts.",
        importance=LOW,
    ),
    Property("confluent.cloud.api.secret", PASSWORD, "The secret of that key.", importance=LOW),
    Property(
        "confluent.cloud.endpoint",
        STRING,
        "The cloud's API.",
        default="https://api.confluent.cloud",
        importance=LOW,
    ),
    Property(
        "bridge.cloud.kafka.cluster.id", STRING, "The Kafka cluster (lkc-…) to mint keys for.", importance=LOW
    ),
    Property(
        "bridge.cloud.schema.registry.id",
        STRING,
        "The schema registry (lsrc-…) to mint keys for.",
        importance=LOW,
    ),
    Property(
        "bridge.cloud.*",
        STRING,
        "Ids that requests of the cloud-style API must name (environment and cluster); any, where not set.",
        importance=LOW,
    ),
)

_CONNECT = "it concerns Kafka Connect's own runtime"


def _ignored(key: str, doc: str) -> Property:
    return Property(key, STRING, doc, ignored=_CONNECT, importance=LOW)


ACCEPTED = group(
    "Worker: accepted and not needed",
    UNKNOWN,
    _ignored("plugin.path", "Where Kafka Connect looks for plugins."),
    _ignored("plugin.discovery", "How Kafka Connect looks for plugins."),
    Property(
        "offset.flush.interval.ms",
        LONG,
        "How often Kafka Connect writes positions.",
        ignored=_CONNECT,
        importance=LOW,
    ),
    _ignored("offset.flush.timeout.ms", "How long Kafka Connect waits for positions to be written."),
    _ignored("offset.storage.file.filename", "Where standalone Kafka Connect keeps positions."),
    _ignored("scheduled.rebalance.max.delay.ms", "How long Kafka Connect waits for a worker to come back."),
    _ignored("rebalance.timeout.ms", "Kafka Connect's group protocol."),
    _ignored("connect.protocol", "Kafka Connect's group protocol."),
    _ignored("inter.worker.*", "Kafka Connect's keys between workers."),
    _ignored("task.shutdown.graceful.timeout.ms", "How long Kafka Connect waits for tasks."),
    _ignored("topic.tracking.enable", "Whether Kafka Connect tracks topics."),
    _ignored("topic.tracking.allow.reset", "Whether tracked topics can be reset."),
    _ignored("rest.port", "Replaced by listeners."),
    _ignored("rest.host.name", "Replaced by listeners."),
    Property(
        "rest.extension.classes",
        STRING,
        "Extensions of Kafka Connect's REST API, most of which ask who somebody is; bridge.rest.users.file does that.",
        check=rest_extension,
        range_text="empty",
        importance=LOW,
    ),
    _ignored("access.control.*", "CORS of Kafka Connect's REST API."),
    _ignored("admin.listeners", "Where Kafka Connect's admin API listens."),
    _ignored("internal.key.converter", "Removed from Kafka Connect."),
    _ignored("internal.value.converter", "Removed from Kafka Connect."),
    _ignored("internal.key.converter.*", "Removed from Kafka Connect."),
    _ignored("internal.value.converter.*", "Removed from Kafka Connect."),
    _ignored("metric.reporters", "Kafka Connect's metrics."),
    _ignored("metrics.*", "Kafka Connect's metrics."),
    _ignored("log4j.*", "Kafka Connect's logging."),
    _ignored("confluent.license", "No licence is needed."),
    _ignored("confluent.topic.*", "No licence is needed."),
)
