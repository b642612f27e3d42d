"""The worker's security settings: Kafka's own names for TLS and SASL, and the schema registry's."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from bridge.config.checks import client_certificates, urls
from bridge.config.declarations.converters import CONVERSION
from bridge.config.declarations.encryption import RULE_EXECUTORS
from bridge.config.declarations.errors import ERRORS
from bridge.config.property import HIGH, LIST, LOW, PASSWORD, STRING, Property, Type, evolve_all, group


def _p(key: str, doc: str, type_: Type = STRING) -> Property:
    return Property(key, type_, doc, importance=LOW)


_STORES: Final = ("PEM", "PKCS12", "JKS")

SECURITY = group(
    "Worker: security",
    Property(
        "security.protocol",
        STRING,
        "How brokers are reached. Without it: SASL_SSL if the connector has kafka.api.key, else PLAINTEXT.",
        valid=("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
        importance=HIGH,
    ),
    _p("sasl.mechanism", "The SASL mechanism: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER or GSSAPI."),
    _p(
        "sasl.jaas.config", "User name and password in Java's spelling, as for Kafka's own clients.", PASSWORD
    ),
    _p("sasl.kerberos.service.name", "Kafka's Kerberos principal."),
    _p("sasl.kerberos.*", "Further Kerberos settings."),
    _p("sasl.login.*", "Further settings of SASL logins."),
    _p("sasl.client.callback.handler.class", "A Java class; librdkafka has its own."),
    _p("sasl.oauthbearer.*", "OAuth settings: token endpoint, scope, client."),
    _p("sasl.username", "The SASL user name, in librdkafka's spelling."),
    _p("sasl.password", "The SASL password, in librdkafka's spelling.", PASSWORD),
    _p("ssl.truststore.location", "A file of trusted certificates."),
    _p("ssl.truststore.password", "Its password.", PASSWORD),
    Property("ssl.truststore.type", STRING, "Its form.", default="JKS", valid=_STORES, importance=LOW),
    _p("ssl.truststore.certificates", "Trusted certificates as PEM text."),
    _p("ssl.keystore.location", "A file with the client's certificate and key."),
    _p("ssl.keystore.password", "Its password.", PASSWORD),
    Property("ssl.keystore.type", STRING, "Its form.", default="JKS", valid=_STORES, importance=LOW),
    _p("ssl.keystore.certificate.chain", "The client's certificates as PEM text."),
    _p("ssl.keystore.key", "The client's private key as PEM text.", PASSWORD),
    _p("ssl.key.password", "The private key's password.", PASSWORD),
    Property(
        "ssl.endpoint.identification.algorithm",
        STRING,
        "Whether the broker's name is checked against its certificate: https, or empty for no.",
        default="https",
        empty_allowed=True,
        importance=LOW,
    ),
    Property("ssl.enabled.protocols", LIST, "TLS versions.", default="", importance=LOW),
    _p("ssl.protocol", "The TLS version in Java."),
    _p("ssl.cipher.suites", "Cipher suites."),
    _p("ssl.provider", "Java's security provider."),
    _p("ssl.keymanager.algorithm", "Java's key manager."),
    _p("ssl.trustmanager.algorithm", "Java's trust manager."),
    _p("ssl.secure.random.implementation", "Java's random source."),
    _p("ssl.engine.factory.class", "A Java class."),
    Property(
        "ssl.client.auth",
        STRING,
        "Whether REST clients must show a certificate; none is asked for here.",
        check=client_certificates,
        range_text="none, requested",
        importance=LOW,
    ),
)

REGISTRY = group(
    "Worker: schema registry and keys",
    Property(
        "schema.registry.url",
        STRING,
        "The schema registry, for the worker as a whole.",
        importance=HIGH,
        check=urls,
        range_text="a URL, several separated by commas",
    ),
    _p(
        "schema.registry.basic.auth.user.info", "User name and password, with a colon between them.", PASSWORD
    ),
    Property(
        "schema.registry.basic.auth.credentials.source",
        STRING,
        "Where user name and password come from.",
        default="URL",
        valid=("URL", "USER_INFO", "SASL_INHERIT"),
        importance=LOW,
    ),
    _p("schema.registry.bearer.auth.*", "Bearer authentication, as the official clients name it."),
    _p("schema.registry.ssl.*", "TLS towards the registry: truststore and keystore, as for Kafka."),
    RULE_EXECUTORS,
)

PROVIDERS = group(
    "Worker: external values",
    Property(
        "config.providers",
        LIST,
        "Names of providers of ${name:…} values. What comes by REST may use these alone; in the operator's files env "
        "and file are always there, with the restrictions given here.",
        default="",
        importance=LOW,
    ),
    _p(
        "config.providers.*",
        "The class of each provider, config.providers.<name>.class, and what it may read: "
        "config.providers.<name>.param.allowed.paths (files and directories, separated by commas) or "
        "config.providers.<name>.param.allowlist.pattern (a regular expression for a variable's whole name).",
    ),
)

DEFAULTS = (
    *evolve_all(ERRORS, group="Worker: defaults for connectors"),
    *(
        evolve(p, valid=(), aliases={}) if p.key == "value.converter" else p
        for p in evolve_all(CONVERSION, group="Worker: defaults for connectors")
    ),
)
"""Properties of connectors that a worker may give for all of them. Its value converter may be any class: it
matters only to connectors that name no format."""
