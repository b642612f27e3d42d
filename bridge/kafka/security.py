"""How brokers are reached: ``security.protocol``, ``sasl.*`` and ``ssl.*`` of a worker, for librdkafka.

Trust is the trust store's where one is named; else the system's, and ``SSL_CERT_FILE`` beside it. Stores in
Java's formats are turned into PEM in memory: no key or certificate is written to a file.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from attrs import define, field

from bridge.errors import Fault
from bridge.kafka import jaas
from bridge.kafka.librdkafka import Setting
from bridge.trust import truststore
from bridge.trust.truststore import StoreError

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_SCRAM: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")
#: Login module → the mechanisms it can be used with.
_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "PlainLoginModule": ("PLAIN",),
    "ScramLoginModule": _SCRAM,
    "OAuthBearerLoginModule": ("OAUTHBEARER",),
}
_OAUTH: Final = {
    "sasl.oauthbearer.token.endpoint.url": "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.scope": "sasl.oauthbearer.scope",
    "sasl.oauthbearer.client.credentials.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl.oauthbearer.client.secret",
}
_SYSTEM_BUNDLES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


@define
class Security:
    """Reads the settings; what is wrong is in ``faults``, what a person should know in ``notices``."""

    given: Mapping[str, str]
    """The worker's settings, or those under ``producer.`` and the like laid over them."""
    api_key: str | None = None
    api_secret: str | None = None
    named: str = "kafka.api.key and kafka.api.secret are"
    """What gives both, where it is said that they are not used."""
    environ: Mapping[str, str] = field(factory=lambda: os.environ)
    settings: dict[str, Setting] = field(factory=dict)
    faults: list[Fault] = field(factory=list)
    notices: list[str] = field(factory=list)

    def read(self) -> dict[str, Setting]:
        """librdkafka's settings; whole only if there are no faults."""
        protocol = self._protocol()
        self.settings["security.protocol"] = protocol
        if protocol.startswith("SASL"):
            self._sasl()
        if protocol.endswith("SSL"):
            self._trust()
            self._client_certificate()
            self._verification()
        return self.settings

    def _get(self, key: str) -> str:
        return self.given.get(key, "").strip()

    def _fault(self, key: str, message: str) -> None:
        self.faults.append(Fault(key, message))

    def _protocol(self) -> str:
        protocol = self._get("security.protocol").upper()
        if protocol and protocol not in PROTOCOLS:
            self._fault("security.protocol", f"must be one of {', '.join(PROTOCOLS)}, not {protocol}")
        if not protocol:
            return "SASL_SSL" if self.api_key else "PLAINTEXT"
        if self.api_key and not protocol.startswith("SASL"):
            self.notices.append(f"{self.named} not used, because security.protocol is {protocol}")
        return protocol

    # ---- SASL ------------------------------------------------------------------------------------------

    def _sasl(self) -> None:
        if self._get("sasl.jaas.config"):
            self._from_jaas()
        elif self._get("sasl.username") and not self.given.get("sasl.password"):
            self._fault("sasl.password", "is required together with sasl.username")
        elif self._get("sasl.username"):
            self._login(
                self._get("sasl.mechanism") or "PLAIN",
                self._get("sasl.username"),
                self.given["sasl.password"],
            )
        elif self.api_key:
            self._login(self._get("sasl.mechanism") or "PLAIN", self.api_key, self.api_secret or "")
            return
        elif self._get("sasl.mechanism") == "OAUTHBEARER":
            self._oauth({})
        else:
            self._fault(
                "sasl.jaas.config",
                "is needed, because security.protocol is SASL_*; it holds user name and password, as in "
                'org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
            )
        if self.api_key:
            self.notices.append(f"{self.named} not used, because the worker has a login")

    def _login(self, mechanism: str, user: str, password: str) -> None:
        if mechanism.upper() not in ("PLAIN", *_SCRAM):
            self._fault("sasl.mechanism", _bad_mechanism(mechanism))
        self.settings |= {
            "sasl.mechanism": mechanism.upper(),
            "sasl.username": user,
            "sasl.password": password,
        }

    def _from_jaas(self) -> None:
        try:
            config = jaas.parse(self.given["sasl.jaas.config"])
        except ValueError as error:
            self._fault("sasl.jaas.config", str(error))
            return
        mechanisms = _MODULES.get(config.simple_name)
        if mechanisms is None:
            self._fault("sasl.jaas.config", f"names {config.simple_name}; known are {', '.join(_MODULES)}")
            return
        mechanism = self._get("sasl.mechanism").upper() or (mechanisms[0] if len(mechanisms) == 1 else "")
        if mechanism not in mechanisms:
            allowed = " or ".join(mechanisms)
            reason = _bad_mechanism(mechanism) if mechanism == "GSSAPI" else f"is {mechanism or 'not set'}"
            self._fault(
                "sasl.mechanism", f"{reason}, but sasl.jaas.config names {config.simple_name}: set {allowed}"
            )
        elif mechanism == "OAUTHBEARER":
            self._oauth(config.options)
        elif config.options.get("tokenauth", "").lower() == "true":
            self._fault("sasl.jaas.config", "uses a delegation token (tokenauth), which is not supported")
        else:
            missing = [name for name in ("username", "password") if name not in config.options]
            if missing:
                self._fault("sasl.jaas.config", f"has no {' and no '.join(missing)}")
                return
            self._login(mechanism, config.options["username"], config.options["password"])

    def _oauth(self, options: Mapping[str, str]) -> None:
        """Client credentials of OpenID Connect, as Kafka's ``OAuthBearerLoginCallbackHandler`` reads them."""
        oauth = {new: self._get(old) for old, new in _OAUTH.items() if self._get(old)}
        names = {"clientId": "client.id", "clientSecret": "client.secret", "scope": "scope"}
        oauth |= {f"sasl.oauthbearer.{new}": options[old] for old, new in names.items() if old in options}
        extensions = {
            k.removeprefix("extension_"): v for k, v in options.items() if k.startswith("extension_")
        }
        if extensions:
            oauth["sasl.oauthbearer.extensions"] = ",".join(f"{k}={v}" for k, v in extensions.items())
        for name in ("token.endpoint.url", "client.id", "client.secret"):
            if f"sasl.oauthbearer.{name}" not in oauth:
                key = (
                    "sasl.oauthbearer.token.endpoint.url" if name.startswith("token") else "sasl.jaas.config"
                )
                self._fault(key, "is needed with OAUTHBEARER (in JAAS: clientId and clientSecret)")
        self.settings |= {"sasl.mechanism": "OAUTHBEARER", "sasl.oauthbearer.method": "oidc"} | oauth

    # ---- TLS -------------------------------------------------------------------------------------------

    def _trust(self) -> None:
        inline, path = self._get("ssl.truststore.certificates"), self._get("ssl.truststore.location")
        if inline and path:
            self._fault("ssl.truststore.certificates", "and ssl.truststore.location are both set; keep one")
        elif inline:
            self._store("ssl.truststore.certificates", lambda: self._set_trust(inline.encode(), None))
        elif path:
            password = self.given.get("ssl.truststore.password")
            self._store(
                "ssl.truststore.location", lambda: self._set_trust(truststore.read_file(path), password)
            )
        elif self.environ.get("SSL_CERT_FILE"):
            self._store("SSL_CERT_FILE", self._trust_beside_system)

    def _set_trust(self, data: bytes, password: str | None) -> None:
        self.settings["ssl.ca.pem"] = truststore.to_pem(truststore.trusted_certificates(data, password))

    def _trust_beside_system(self) -> None:
        own = truststore.read_file(self.environ["SSL_CERT_FILE"])
        system = next((Path(path).read_bytes() for path in _SYSTEM_BUNDLES if Path(path).is_file()), b"")
        mine = truststore.trusted_certificates(own, None)
        others = truststore.trusted_certificates(system, None) if system else []
        self.settings["ssl.ca.pem"] = truststore.to_pem([*mine, *others])

    def _client_certificate(self) -> None:
        chain, key = self._get("ssl.keystore.certificate.chain"), self._get("ssl.keystore.key")
        path, password = self._get("ssl.keystore.location"), self.given.get("ssl.keystore.password")
        if chain or key:
            if not (chain and key):
                self._fault("ssl.keystore.key", "and ssl.keystore.certificate.chain go together")
            self.settings |= {"ssl.certificate.pem": chain, "ssl.key.pem": key}
        elif path:
            self._store("ssl.keystore.location", lambda: self._set_certificate(path, password))
        else:
            return
        if self.given.get("ssl.key.password"):
            self.settings["ssl.key.password"] = self.given["ssl.key.password"]

    def _set_certificate(self, path: str, password: str | None) -> None:
        data = truststore.read_file(path)
        kind = truststore.kind_of(data)
        if kind == "PEM":
            if b"PRIVATE KEY-----" not in data or b"-----BEGIN CERTIFICATE-----" not in data:
                raise StoreError("must hold both the private key and its certificate")
            self.settings |= {"ssl.certificate.location": path, "ssl.key.location": path}
        elif kind == "PKCS12":
            self.settings |= {"ssl.keystore.location": path, "ssl.keystore.password": password or ""}
        else:
            raise StoreError(
                f"is of type {kind}; convert it once with keytool -importkeystore -deststoretype pkcs12"
            )

    def _verification(self) -> None:
        algorithm = self.given.get("ssl.endpoint.identification.algorithm", "https").strip().lower()
        if algorithm not in ("https", ""):
            self._fault("ssl.endpoint.identification.algorithm", f"must be https or empty, not {algorithm}")
        self.settings["ssl.endpoint.identification.algorithm"] = "https" if algorithm else "none"
        if self._get("ssl.cipher.suites"):
            self.settings["ssl.cipher.suites"] = self._get("ssl.cipher.suites").replace(",", ":")
        if self._get("ssl.engine.factory.class"):
            self._fault("ssl.engine.factory.class", "names a Java class, and the bridge runs none")

    def _store(self, key: str, use: Callable[[], None]) -> None:
        try:
            use()
        except (StoreError, ssl.SSLError) as error:
            self._fault(key, str(error))


def _bad_mechanism(mechanism: str) -> str:
    if mechanism.upper() == "GSSAPI":
        return "is GSSAPI (Kerberos), which is not supported; use PLAIN, SCRAM-SHA-512 or OAUTHBEARER"
    return f"is {mechanism}, which is not supported here; use PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"
