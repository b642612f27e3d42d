"""The properties of one KRaft node of the tests, plain or secured, alone or one of three."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

READY_TOPIC = "broker-ready"
ADMIN, BRIDGE = "admin", "bridge"
CLOUD_KEYS = tuple(f"key-{number}" for number in range(12))
"""Users that stand for API keys made by a cloud."""
PASSWORDS = {ADMIN: "admin-secret", BRIDGE: "bridge-secret"} | {key: f"{key}-secret" for key in CLOUD_KEYS}
SCRAM = ("SCRAM-SHA-256", "SCRAM-SHA-512")

_COMMON = """
process.roles=broker,controller
controller.listener.names=CONTROLLER
auto.create.topics.enable=false
num.partitions=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=2000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=1000
transaction.abort.timed.out.transaction.cleanup.interval.ms=500
log.cleaner.backoff.ms=500
log.cleaner.min.cleanable.ratio=0.01
log.cleaner.dedupe.buffer.size=2000000
"""

_PLAIN = """
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""

# ANONYMOUS is the link between broker and controller.
_SECURED = f"""
listener.security.protocol.map=CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLSSL:SASL_SSL,SSL:SSL
inter.broker.listener.name=SASL
sasl.enabled.mechanisms=PLAIN,{",".join(SCRAM)}
sasl.mechanism.inter.broker.protocol=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{ADMIN};User:ANONYMOUS
ssl.keystore.type=PEM
ssl.truststore.type=PEM
listener.name.ssl.ssl.client.auth=required
"""

# A killed broker may come back only when its old session has ended: short where brokers are killed.
MORTAL = {"broker.session.timeout.ms": "1500", "broker.heartbeat.interval.ms": "300"}

_THREE = """
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


@frozen
class Layout:
    """The listeners of a kind of broker, in order; the first is the one that clients of the tests use."""

    name: str
    listeners: tuple[str, ...]

    @property
    def secured(self) -> bool:
        """Whether clients must authenticate."""
        return self is SECURED


PLAIN = Layout("plain", ("PLAINTEXT", "CONTROLLER"))
SECURED = Layout("secured", ("SASLSSL", "SASL", "SSL", "CONTROLLER"))


def server_properties(
    layout: Layout,
    data: Path,
    ports: Mapping[str, int],
    *,
    node: int = 1,
    controllers: Mapping[int, int] | None = None,
    certificates: Path | None = None,
    extra: Mapping[str, str] | None = None,
) -> str:
    """The text of ``server.properties``.

    ``ports`` by listener name; ``controllers`` are the ports of all nodes' controllers by node id (default:
    this node alone); ``certificates`` holds ``server.pem`` and ``test-ca.pem`` for the secured layout.
    """
    voters = controllers or {node: ports["CONTROLLER"]}
    copies = min(3, len(voters))
    lines = [_COMMON, _SECURED if layout.secured else _PLAIN, _THREE if copies > 1 else ""]
    lines += [f"node.id={node}", f"log.dirs={data}"]
    lines += ["controller.quorum.voters=" + ",".join(f"{n}@127.0.0.1:{port}" for n, port in voters.items())]
    urls = [f"{name}://127.0.0.1:{ports[name]}" for name in layout.listeners]
    lines += ["listeners=" + ",".join(urls), "advertised.listeners=" + ",".join(urls[:-1])]
    lines += [f"{topic}.replication.factor={copies}" for topic in _INTERNAL]
    lines += [f"{topic}.min.isr={min(2, copies)}" for topic in _INTERNAL[1:]]
    lines += [f"default.replication.factor={copies}", f"min.insync.replicas={min(2, copies)}"]
    if layout.secured:
        lines += _jaas()
        if certificates:
            lines += [f"ssl.keystore.location={certificates / 'server.pem'}"]
            lines += [f"ssl.truststore.location={certificates / 'test-ca.pem'}"]
    lines += [f"{key}={value}" for key, value in (extra or {}).items()]
    return "\n".join(lines) + "\n"


_INTERNAL = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")


def _jaas() -> list[str]:
    security = "org.apache.kafka.common.security"
    users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
    link = f'username="{ADMIN}" password="{PASSWORDS[ADMIN]}"'
    plain = f"{security}.plain.PlainLoginModule required {link} {users};"
    scram = f"{security}.scram.ScramLoginModule required;"
    lines = []
    for listener in ("sasl", "saslssl"):
        lines.append(f"listener.name.{listener}.plain.sasl.jaas.config={plain}")
        lines += [f"listener.name.{listener}.{name.lower()}.sasl.jaas.config={scram}" for name in SCRAM]
    return lines
