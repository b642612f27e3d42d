"""The connection to Salesforce: where to start, how long to wait and to retry, proxies, the buffer."""

from __future__ import annotations

from bridge.config.checks import egress_list, endpoint, proxy, transport
from bridge.config.declarations.transports import TRANSPORTS
from bridge.config.property import INT, LONG, LOW, PASSWORD, STRING, Property, When, group

CONNECTION = group(
    "Connection details",
    Property(
        "salesforce.initial.start",
        STRING,
        "Where a connector without a position starts: 'latest' takes events that come after its first "
        "subscription, 'all' those of the last 72 hours too.",
        default="latest",
        valid=("latest", "all"),
    ),
    Property(
        "invalid.replay.id.behaviour",
        STRING,
        "What to do when the stored position has expired at Salesforce: 'all' goes on with everything still"
        " retained, 'latest' with new events only, 'fail' stops the connector. The gap is reported in any "
        "case.",
        default="all",
        valid=("all", "latest", "fail"),
    ),
    Property(
        "connection.timeout",
        LONG,
        "How long to wait, in milliseconds, while connecting to Salesforce.",
        default="30000",
        low=1,
        range_text="from 1; with the self-managed connector's class 5000 to 600000",
        importance=LOW,
    ),
    Property(
        "request.max.retries.time.ms",
        LONG,
        "How long, in milliseconds, one request to Salesforce is tried again. When it runs out the "
        "connector fails, and is restarted from its position with growing waits.",
        default="30000",
        low=1,
        range_text="1000 to 250000; with the self-managed connector's class from 1, without an upper bound",
        importance=LOW,
    ),
    Property(
        "salesforce.auth.retries.time.ms",
        LONG,
        "How long, in milliseconds, a login is tried again when Salesforce cannot be reached. A refused "
        "login is never tried again, because accounts get locked (with auto.restart.on.user.error once an hour).",
        default="30000",
        low=0,
        importance=LOW,
    ),
    Property(
        "connection.max.message.size",
        INT,
        "The largest reply, in bytes, that is accepted from Salesforce.",
        default="104857600",
        low=1,
        importance=LOW,
    ),
    Property(
        "http.proxy",
        STRING,
        "A proxy between here and Salesforce. Without it, HTTPS_PROXY and NO_PROXY of the environment count.",
        check=proxy,
        range_text="host:port or http://host:port, with user:password@ where needed",
        display="HTTP proxy",
    ),
    Property(
        "http.proxy.auth.scheme",
        STRING,
        "How to authenticate at the proxy; BASIC needs http.proxy.user, or the user in http.proxy.",
        default="NONE",
        valid=("NONE", "BASIC", "NTLM"),
        importance=LOW,
    ),
    Property(
        "http.proxy.user",
        STRING,
        "The user name for the proxy.",
        importance=LOW,
        used_when=When("http.proxy.auth.scheme", ("BASIC", "NTLM")),
    ),
    Property(
        "http.proxy.password",
        PASSWORD,
        "The password for the proxy.",
        importance=LOW,
        used_when=When("http.proxy.auth.scheme", ("BASIC", "NTLM")),
    ),
    Property(
        "connector.egress.whitelist",
        STRING,
        "The hosts that this connector may reach Salesforce and proxies at, as the managed service names them; "
        "bridge.egress.allowed of the worker counts in any case.",
        check=egress_list,
        range_text="hosts, separated by commas",
        importance=LOW,
    ),
    Property(
        "bridge.salesforce.api",
        STRING,
        "How events are received: by the Streaming API (CometD), or by the Pub/Sub API (gRPC), which needs the "
        "package's extra 'pubsub'. The position is kept when it is changed.",
        default="streaming",
        valid=tuple(TRANSPORTS),
        check=transport,
        range_text="streaming, or pubsub where grpcio is installed",
        importance=LOW,
    ),
    Property(
        "bridge.pubsub.endpoint",
        STRING,
        "Where the Pub/Sub API is. The global endpoint processes a request in the region it comes from; "
        "api.deu.pubsub.salesforce.com:443 processes it in Germany. Port 7443 serves, too, but firewalls often block "
        "it without a word.",
        default="api.pubsub.salesforce.com:443",
        check=endpoint,
        range_text="host:port; http://host:port for loopback addresses only",
        importance=LOW,
        used_when=When("bridge.salesforce.api", ("pubsub",)),
    ),
    Property(
        "bridge.watchdog.ms",
        LONG,
        "How long, in milliseconds, a poll may stay without any reply before the connection counts as dead. "
        "Salesforce holds a poll for up to 110 seconds. By the Pub/Sub API: how long a stream may say nothing; unless "
        "it is set, 300000, since Salesforce says something every 270 seconds.",
        default="150000",
        low=1000,
        importance=LOW,
    ),
    Property(
        "bridge.shutdown.timeout.ms",
        LONG,
        "How long, in milliseconds, a connector that is stopped may take to deliver and commit what it received. Then "
        "the process ends with exit code 1, and says what was not committed: it comes again at the next start.",
        default="30000",
        low=1000,
        importance=LOW,
    ),
    Property(
        "bridge.buffer.max.events",
        INT,
        "How many received events may wait to be written. When the buffer is full nothing more is fetched; "
        "nothing is dropped.",
        default="50000",
        low=1,
        importance=LOW,
    ),
    Property(
        "bridge.buffer.max.bytes",
        LONG,
        "How many bytes of received events may wait to be written.",
        default="8388608",
        low=1024,
        importance=LOW,
    ),
)
