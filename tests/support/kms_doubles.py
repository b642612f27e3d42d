"""Doubles of key management services, driven by the unmodified official SDKs.

Requests and answers as the providers document them: Vault HTTP API (transit), Azure Key Vault REST 7.x (keys/encrypt,
keys/decrypt with RSA-OAEP-256), google.cloud.kms.v1.KeyManagementService over gRPC. ``fault``: what every request
gets instead of an answer (``denied``, ``throttled``, ``missing``; of Vault also ``away``: it hangs up).
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from attrs import define, field
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


@define
class Double:
    """One running double; keys are made when they are first used."""

    url: str = ""
    fault: str | None = None
    tokens: set[str] = field(factory=lambda: {"good"})
    keys: dict[str, Any] = field(factory=dict)
    logins: int = 0
    gone: set[str] = field(factory=set)
    """Vault's keys that were deleted."""
    refused: int = 0
    """Requests to Vault that got the fault."""
    sent: list[bytes] = field(factory=list)
    """What Vault was sent: paths, headers and bodies."""
    materials: list[str] = field(factory=list)
    """The plaintexts, in base64, that Vault was asked to encrypt."""

    def aead(self, name: str) -> AESGCM:
        made: AESGCM = self.keys.setdefault(name, AESGCM(os.urandom(32)))
        return made


@contextmanager
def vault() -> Iterator[Double]:
    """Vault's transit engine and AppRole login."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            double.sent.append(f"{self.path}\n{self.headers}".encode() + raw)
            body = json.loads(raw or b"{}")
            double.refused += double.fault is not None
            if double.fault == "away":
                return
            status, answer = self._answer(body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_PUT = do_POST

        def _answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            steps = self.path.strip("/").split("/")
            if steps[1:] == ["auth", "approle", "login"]:
                if (body.get("role_id"), body.get("secret_id")) != ("role", "secret"):
                    return 400, {"errors": ["invalid role or secret ID"]}
                double.logins += 1
                double.tokens.add(token := f"approle-{double.logins}")
                return 200, {"auth": {"client_token": token}}
            faults = {
                "denied": (403, "permission denied"),
                "throttled": (429, "slow down"),
                "missing": (404, "no"),
            }
            if double.fault:
                status, text = faults[double.fault]
                return status, {"errors": [text]}
            if self.headers.get("X-Vault-Token") not in double.tokens:
                return 403, {"errors": ["permission denied"]}
            if steps[-1] in double.gone:
                return 404, {"errors": ["encryption key not found"]}
            aead = double.aead(steps[-1])
            if steps[-2] == "encrypt":
                iv = os.urandom(12)
                double.materials.append(body["plaintext"])
                sealed = iv + aead.encrypt(iv, base64.b64decode(body["plaintext"]), None)
                return 200, {"data": {"ciphertext": "vault:v1:" + base64.b64encode(sealed).decode()}}
            try:
                sealed = base64.b64decode(body["ciphertext"].removeprefix("vault:v1:"))
                plain = aead.decrypt(sealed[:12], sealed[12:], None)
            except (InvalidTag, ValueError):
                return 400, {"errors": ["cipher: message authentication failed"]}
            return 200, {"data": {"plaintext": base64.b64encode(plain).decode()}}

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        server.server_close()


class AzureTransport:
    """An azure.core transport that is a vault: it answers the SDK's requests without a network."""

    def __init__(self, double: Double) -> None:
        self.double = double

    def send(self, request: Any, **_: Any) -> Any:
        from azure.core.exceptions import ServiceRequestError

        if self.double.fault == "unreachable":
            raise ServiceRequestError("no route to host")
        if "Authorization" not in request.headers:
            return _AzureAnswer(request, 401, {})
        return _AzureAnswer(request, *self._answer(request))

    def _answer(self, request: Any) -> tuple[int, dict[str, Any]]:
        faults = {"denied": 403, "throttled": 429, "missing": 404}
        if self.double.fault:
            return faults[self.double.fault], {"error": {"code": self.double.fault, "message": "double"}}
        steps = request.url.partition("?")[0].split("/")[3:]
        name, version = steps[1], steps[2] if len(steps) > 2 and len(steps[2]) == 32 else "0" * 32
        key = self.double.keys.setdefault(f"{name}/{version}", rsa.generate_private_key(65537, 2048))
        kid = f"{request.url.partition('/keys/')[0]}/keys/{name}/{version}"
        numbers = key.public_key().public_numbers()
        if request.method == "GET":
            jwk: dict[str, Any] = {"kid": kid, "kty": "RSA", "key_ops": ["encrypt", "decrypt"]}
            jwk |= {"n": _b64(_big(numbers.n)), "e": _b64(_big(numbers.e))}
            return 200, {"key": jwk, "attributes": {"enabled": True}}
        body = json.loads(request.content if isinstance(request.content, str | bytes) else request.body)
        given = base64.urlsafe_b64decode(body["value"] + "==")
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
        try:
            if steps[-1] == "encrypt":
                return 200, {"kid": kid, "value": _b64(key.public_key().encrypt(given, oaep))}
            return 200, {"kid": kid, "value": _b64(key.decrypt(given, oaep))}
        except ValueError:
            return 400, {"error": {"code": "BadParameter", "message": "decryption failed"}}

    def open(self) -> None:
        """Nothing to open."""

    def close(self) -> None:
        """Nothing to close."""

    def sleep(self, seconds: float) -> None:
        """The SDK's own retries do not wait here."""

    def __enter__(self) -> AzureTransport:
        return self

    def __exit__(self, *_: Any) -> None:
        pass


class _AzureAnswer:
    """What azure.core wants of a response."""

    def __init__(self, request: Any, status: int, document: dict[str, Any]) -> None:
        self.request, self.status_code, self.reason = request, status, ""
        where = (
            'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'
        )
        self.headers = {"Content-Type": "application/json"}
        if status == 401:
            self.headers["WWW-Authenticate"] = where
        self.content_type = "application/json"
        self.content = json.dumps(document).encode()
        self.is_closed = self.is_stream_consumed = True
        self.encoding, self.block_size = "utf-8", 4096

    def json(self) -> Any:
        return json.loads(self.content)

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode()

    def body(self) -> bytes:
        return self.content

    def read(self) -> bytes:
        return self.content

    def close(self) -> None:
        pass

    def raise_for_status(self) -> None:
        pass


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _big(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


@contextmanager
def gcp() -> Iterator[Double]:
    """Cloud KMS over gRPC; ``url`` is the address of an insecure channel."""
    import grpc
    from google.cloud.kms_v1.types import DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse

    double = Double()
    codes = {
        "denied": grpc.StatusCode.PERMISSION_DENIED,
        "throttled": grpc.StatusCode.RESOURCE_EXHAUSTED,
        "missing": grpc.StatusCode.NOT_FOUND,
    }

    def encrypt(request: Any, context: Any) -> Any:
        if double.fault:
            context.abort(codes[double.fault], "double")
        iv = os.urandom(12)
        name = request.name.partition("/cryptoKeyVersions/")[0]
        return EncryptResponse(
            name=name, ciphertext=iv + double.aead(name).encrypt(iv, request.plaintext, None)
        )

    def decrypt(request: Any, context: Any) -> Any:
        if double.fault:
            context.abort(codes[double.fault], "double")
        try:
            body = request.ciphertext
            return DecryptResponse(plaintext=double.aead(request.name).decrypt(body[:12], body[12:], None))
        except (InvalidTag, ValueError):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Decryption failed: the ciphertext is invalid.")

    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=kind.deserialize, response_serializer=answer.serialize
        )
        for name, call, kind, answer in (
            ("Encrypt", encrypt, EncryptRequest, EncryptResponse),
            ("Decrypt", decrypt, DecryptRequest, DecryptResponse),
        )
    }
    server = grpc.server(ThreadPoolExecutor(2))
    service = "google.cloud.kms.v1.KeyManagementService"
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    double.url = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield double
    finally:
        server.stop(0)
