"""Trust, proxies and addresses, against real local servers."""

from __future__ import annotations

import http.client
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from bridge.config import config_of
from bridge.errors import ConfigurationError, Fatal, Retriable, Stage
from bridge.salesforce.http import connect, requests_session
from bridge.salesforce.http_settings import HttpSettings, Origin, http_settings, ssl_context
from bridge.salesforce.network import network_error
from bridge.trust import context as tls
from bridge.trust.in_time import session_in_time
from tests.support.web_server import Answer, Web, connect_proxy, web_server


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Web]:
    with web_server(lambda request: Answer({"path": request.path}), tmp_path) as web:
        yield web


def settings(**given: str) -> HttpSettings:
    return http_settings(config_of({key.replace("_", "."): value for key, value in given.items()}), {})


def get(url: str, how: HttpSettings, path: str = "/x") -> tuple[int, bytes]:
    connection = connect(url, how, 5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


# ---- trust ---------------------------------------------------------------------------------------------


def test_the_named_ca_is_trusted_by_both_clients(secure: Web) -> None:
    how = HttpSettings(ca_file=str(secure.ca_file))
    assert get(secure.url, how) == (200, b'{"path": "/x"}')
    assert requests_session(how).get(f"{secure.url}/y").json() == {"path": "/y"}


def test_ssl_cert_file_adds_to_the_trust(secure: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    system = ssl_context(HttpSettings()).cert_store_stats()["x509_ca"]
    monkeypatch.setenv("SSL_CERT_FILE", str(secure.ca_file))
    assert get(secure.url, HttpSettings())[0] == 200
    assert ssl_context(HttpSettings()).cert_store_stats()["x509_ca"] == system + 1


@pytest.mark.parametrize("where", ["file", "folder", "nowhere"])
def test_the_system_may_keep_its_authorities_in_a_file_or_a_folder(
    secure: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    assert secure.ca_file is not None
    folder = tmp_path / "certs"
    folder.mkdir()
    if where == "folder":
        command = ["openssl", "x509", "-hash", "-noout", "-in", str(secure.ca_file)]
        digest = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        (folder / f"{digest}.0").write_bytes(secure.ca_file.read_bytes())
    file = str(secure.ca_file) if where == "file" else str(tmp_path / "none.pem")
    paths = ssl.DefaultVerifyPaths(None, str(folder), "SSL_CERT_FILE", file, "SSL_CERT_DIR", str(folder))
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    tls._context.cache_clear()
    try:
        if where == "nowhere":  # then the certifi bundle is what there is
            assert ssl_context(HttpSettings()).cert_store_stats()["x509_ca"] > 50
        else:
            assert get(secure.url, HttpSettings())[0] == 200
    finally:
        tls._context.cache_clear()


def test_an_unknown_ca_is_fatal_and_names_the_property(secure: Web) -> None:
    with pytest.raises(Fatal, match="authority unknown here") as plain:
        connect(secure.url, HttpSettings(), 5, stage=Stage.SUBSCRIBE)
    assert "set bridge.salesforce.ca.file (or SSL_CERT_FILE)" in plain.value.message
    assert plain.value.stage is Stage.SUBSCRIBE
    with pytest.raises(requests.exceptions.SSLError) as through_requests:
        requests_session(HttpSettings()).get(secure.url)
    error = network_error(through_requests.value, secure.url, None, HttpSettings(), Stage.METADATA)
    assert isinstance(error, Fatal)
    assert error.message == plain.value.message


def test_another_ca_is_named_as_insufficient(secure: Web, tmp_path: Path) -> None:
    with web_server(tls_directory=tmp_path / "other") as other, pytest.raises(Fatal) as refused:
        connect(secure.url, HttpSettings(ca_file=str(other.ca_file)), 5)
    assert f"bridge.salesforce.ca.file={other.ca_file} does not hold that authority" in refused.value.message


def test_a_certificate_for_another_name_is_fatal(secure: Web) -> None:
    with connect_proxy(route=f"127.0.0.1:{secure.port}") as proxy:
        how = HttpSettings(ca_file=str(secure.ca_file), proxy=f"http://{proxy.address}")
        with pytest.raises(
            Fatal, match=r"login\.salesforce\.com shows a certificate .* made for another name"
        ):
            connect("https://login.salesforce.com", how, 5)


def test_requests_does_not_add_its_own_bundle(secure: Web) -> None:
    how = HttpSettings(ca_file=str(secure.ca_file))
    before = ssl_context(how).cert_store_stats()
    requests_session(how).get(secure.url)
    assert ssl_context(how).cert_store_stats()["x509_ca"] <= before["x509_ca"] + 1


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "there is no file"), (b"", "holds no PEM certificate"), (b"hello", "holds no PEM certificate")],
)
def test_a_ca_file_that_is_none(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=said) as refused:
        ssl_context(HttpSettings(ca_file=str(path)))
    assert refused.value.faults[0].key == "bridge.salesforce.ca.file"


def test_a_missing_ssl_cert_file_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigurationError, match=r"SSL_CERT_FILE: there is no file /nowhere/ca\.pem"):
        ssl_context(HttpSettings())


def test_the_context_is_kept_until_the_file_changes(secure: Web) -> None:
    how = HttpSettings(ca_file=str(secure.ca_file))
    first = ssl_context(how)
    assert ssl_context(how) is first
    assert first.verify_mode is ssl.CERT_REQUIRED
    assert first.check_hostname
    assert first.minimum_version is ssl.TLSVersion.TLSv1_2
    assert secure.ca_file is not None
    secure.ca_file.write_bytes(secure.ca_file.read_bytes() + b"\n")
    assert ssl_context(how) is not first


# ---- addresses -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]", "org.localhost"])
def test_plain_http_to_loopback_is_accepted(host: str) -> None:
    assert Origin.of(f"http://{host}:8080/x").scheme == "http"


@pytest.mark.parametrize(
    "url", ["http://login.salesforce.com", "http://localhost.evil.com", "http://10.0.0.1", "http://0.0.0.0"]
)
def test_plain_http_elsewhere_is_fatal_and_names_the_property(url: str) -> None:
    with pytest.raises(Fatal, match=r"salesforce\.instance: http://.* loopback addresses only"):
        connect(url, HttpSettings(), 1)


@pytest.mark.parametrize(
    "url",
    ["", "login.salesforce.com", "ftp://x", "https://", "https://a:b@x", "https://x:99999", "https://[x"],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(Fatal, match=r"salesforce\.instance is not a URL") as refused:
        Origin.of(url)
    assert "a:b" not in refused.value.message


def test_an_origin_leaves_out_the_default_port() -> None:
    assert (
        str(Origin.of("https://Example.my.salesforce.com:443/path?q")) == "https://example.my.salesforce.com"
    )
    assert str(Origin.of("http://[::1]:8080/")) == "http://[::1]:8080"


def test_the_socket_is_ready_for_low_latency_and_has_the_read_timeout() -> None:
    with web_server() as web:
        connection = connect(web.url, HttpSettings(connect_timeout=9), 3)
        assert connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert connection.sock.gettimeout() == 3
        connection.close()


# ---- what goes wrong -----------------------------------------------------------------------------------


def test_a_refused_connection_is_retriable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Retriable, match=rf"127\.0\.0\.1:{port} refuses the connection"):
        connect(f"http://127.0.0.1:{port}", HttpSettings(), 1)


def test_a_host_that_does_not_exist_is_retriable() -> None:
    with pytest.raises(Retriable, match=r"host name of https://nowhere\.invalid cannot be resolved"):
        connect("https://nowhere.invalid", HttpSettings(), 1)


def test_a_server_that_does_not_answer_the_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Retriable, match=r"did not answer in time \(connection.timeout=200\)"):
            connect(url, HttpSettings(connect_timeout=0.2), 1)


def test_a_port_that_speaks_no_tls() -> None:
    with web_server() as web, pytest.raises(Retriable, match="no TLS connection") as failed:
        connect(web.url.replace("http:", "https:"), HttpSettings(), 1)
    assert failed.value.message.count("\n") == 0


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection without an answer"),
        (b"hello\r\n\r\n", "not HTTP, or is damaged"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "broke off in the middle"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nhalf", "damaged"),
    ],
)
def test_odd_answers_have_one_sentence_whoever_asks(answer: bytes, said: str) -> None:
    def serve(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises((requests.RequestException, http.client.HTTPException)) as failed:
            requests_session(HttpSettings()).get(url)
    error = network_error(failed.value, url, None, HttpSettings(), Stage.METADATA)
    assert isinstance(error, Retriable)
    assert said in error.message


def test_redirects_netrc_and_cookies_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password other\n")
    monkeypatch.setenv("NETRC", str(netrc))
    headers = {"Location": "http://127.0.0.1:9/", "Set-Cookie": "sid=1; Path=/"}
    with web_server(lambda request: Answer(status=302, headers=headers)) as web:
        session = requests_session(HttpSettings())
        for _ in range(2):
            answer = session.get(web.url, headers={"Authorization": "Bearer t"})
        assert answer.status_code == 302
        assert web.requests[1].headers["authorization"] == "Bearer t"
        assert "cookie" not in web.requests[1].headers
        assert web.requests[1].headers["user-agent"].startswith("salesforce-kafka-bridge/")


# ---- proxies -------------------------------------------------------------------------------------------


def test_the_proxy_carries_both_clients(secure: Web) -> None:
    with connect_proxy(("me", "p:w")) as proxy:
        how = http_settings(
            config_of(
                {
                    "http.proxy": proxy.address,
                    "http.proxy.auth.scheme": "BASIC",
                    "http.proxy.user": "me",
                    "http.proxy.password": "p:w",
                    "bridge.salesforce.ca.file": str(secure.ca_file),
                }
            ),
            {},
        )
        assert get(secure.url, how)[0] == 200
        assert requests_session(how).get(secure.url).status_code == 200
        assert proxy.asked == [f"localhost:{secure.port}"] * 2
        assert "p:w" not in repr(how)


def test_a_proxy_that_wants_a_login_is_fatal(secure: Web) -> None:
    with connect_proxy(("me", "pw")) as proxy:
        how = HttpSettings(ca_file=str(secure.ca_file), proxy=f"http://{proxy.address}")
        with pytest.raises(Fatal, match=r"http\.proxy\.auth\.scheme=BASIC") as refused:
            connect(secure.url, how, 5)
        with pytest.raises(requests.exceptions.ProxyError) as through_requests:
            requests_session(how).get(secure.url)
        again = network_error(through_requests.value, secure.url, how.proxy, how, Stage.LOGIN)
    assert again.message == refused.value.message


@pytest.mark.parametrize(("status", "kind"), [(403, Fatal), (502, Retriable), (504, Retriable)])
def test_a_proxy_that_does_not_connect(secure: Web, status: int, kind: type[Exception]) -> None:
    with connect_proxy(status=status) as proxy:
        how = HttpSettings(ca_file=str(secure.ca_file), proxy=f"http://{proxy.address}")
        with pytest.raises(kind, match=rf"does not open a connection .* \(status {status}\)"):
            connect(secure.url, how, 5)


def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(Retriable, match=f"the proxy http://{address} refuses the connection"):
        connect("https://login.salesforce.com", HttpSettings(proxy=f"http://{address}"), 1)


def test_plain_http_to_loopback_needs_no_proxy() -> None:
    with web_server(lambda request: Answer(b"here")) as web:
        how = HttpSettings(proxy="http://127.0.0.1:9")
        assert get(web.url, how) == (200, b"here")
        assert requests_session(how).get(web.url).content == b"here"


def test_the_environment_names_a_proxy_and_its_exceptions() -> None:
    environ = {"HTTPS_PROXY": "http://me:p%40w@proxy:3128/", "NO_PROXY": "internal.example, 10.0.0.0/8"}
    how = http_settings(config_of({}), environ)
    assert (how.proxy, how.proxy_auth, how.proxy_auth_scheme) == ("http://proxy:3128", ("me", "p@w"), "BASIC")
    assert how.proxy_for("https://login.salesforce.com") == "http://proxy:3128"
    assert how.proxy_for("https://org.internal.example") is None
    assert how.proxy_for("https://10.1.2.3") is None


def test_the_connector_goes_before_the_environment() -> None:
    how = http_settings(config_of({"http.proxy": "mine:8080"}), {"HTTPS_PROXY": "http://other:1"})
    assert (how.proxy, how.proxy_auth, how.proxy_auth_scheme) == ("http://mine:8080", None, "NONE")


@pytest.mark.parametrize(
    ("no_proxy", "host", "direct"),
    [
        ("", "a.example", False),
        ("*", "a.example", True),
        (".example", "a.example", True),
        ("example", "a.example", True),
        ("*.example", "a.example", True),
        ("ample", "a.example", False),
        ("a.example:443", "a.example", True),
        ("a.example:8443", "a.example", False),
        ("A.EXAMPLE", "a.example", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.0/8", "127.0.0.1", True),
        ("::1", "[::1]", True),
    ],
)
def test_no_proxy(no_proxy: str, host: str, direct: bool) -> None:
    how = HttpSettings(proxy="http://proxy:1", no_proxy=no_proxy)
    assert (how.proxy_for(f"https://{host}") is None) is direct


@pytest.mark.parametrize(
    ("given", "key", "said"),
    [
        ({"http.proxy": "socks5://x:1"}, "http.proxy", "socks5:// proxy is not supported"),
        ({"http.proxy": "https://x:1"}, "http.proxy", "https:// proxy is not supported"),
        ({"http.proxy": "http://x:1/path"}, "http.proxy", "not a proxy's address"),
        ({"http.proxy": "x:port"}, "http.proxy", "not a proxy's address"),
        (
            {"http.proxy": "x:1", "http.proxy.auth.scheme": "NTLM"},
            "http.proxy.auth.scheme",
            "NTLM is not supported",
        ),
        ({"http.proxy": "x:1", "http.proxy.auth.scheme": "BASIC"}, "http.proxy.user", "is missing"),
    ],
)
def test_a_proxy_that_cannot_be_used(given: dict[str, str], key: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said) as refused:
        http_settings({"connection.timeout": 30000, **given}, {})
    assert refused.value.faults[0].key == key


def test_timeouts_are_milliseconds_in_the_configuration() -> None:
    assert http_settings(config_of({"connection.timeout": "7000"}), {}).connect_timeout == 7.0


def test_a_proxy_of_the_environment_is_not_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"HTTPS_PROXY": "http://127.0.0.1:9"}
    how = http_settings(config_of({}), environ)
    assert [how.proxy_for(f"https://{host}:1") for host in ("localhost", "127.0.0.1", "[::1]")] == [None] * 3
    asked_for = http_settings(config_of({"http.proxy": "mine:8080"}), environ)
    assert asked_for.proxy_for("https://localhost:1") == "http://mine:8080"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with web_server(lambda request: Answer(b"here")) as web, session_in_time() as session:
        assert session.get(web.url, timeout=10).content == b"here"
    with pytest.raises(requests.exceptions.ProxyError), session_in_time() as session:
        session.get("http://elsewhere.example", timeout=10)
