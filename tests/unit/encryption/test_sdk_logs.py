"""At the lowest level anybody can set, what SDKs know of a key is in no log: botocore writes KMS's answers at DEBUG."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Iterator

import pytest

from bridge import log
from bridge.encryption.envelope import Algorithm, new_material
from bridge.encryption.kms import open_kms
from bridge.worker.loggers import Loggers

NAMES = (
    "root",
    "botocore",
    "botocore.parsers",
    "botocore.endpoint",
    "urllib3.connectionpool",
    "boto3",
    "google",
)


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    bridge = logging.getLogger("bridge").level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.getLogger("bridge").setLevel(bridge)


def everything(material: bytes) -> list[str]:
    """A key's spellings in a log: of the Tink proto and of the key in it."""
    return [
        spelling
        for one in (material, material[2:])
        for spelling in (base64.b64encode(one).decode().rstrip("="), repr(one)[2:-1], one.hex())
    ]


def test_aws_keys_are_in_no_log_at_trace() -> None:
    import boto3
    from moto import mock_aws

    out = io.StringIO()
    log.configure("text", "DEBUG", out)
    loggers = Loggers()
    for name in NAMES:
        loggers.change(name, "TRACE")
    with mock_aws():
        client = boto3.client(
            "kms", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        key = client.create_key()["KeyMetadata"]["Arn"]
        params = {"access.key.id": "AKIA", "secret.access.key": "the secret access key"}
        kms = open_kms("aws-kms", key, params)
        for name in NAMES:  # once more, now that every logger is there
            loggers.change(name, "TRACE")
        material = new_material(Algorithm.AES256_GCM)
        assert kms.unwrap(kms.wrap(material)) == material
    logging.getLogger("bridge").log(5, "the log is at TRACE")
    written = out.getvalue()
    assert "the log is at TRACE" in written
    assert [spelling for spelling in everything(material) if spelling in written] == []
    assert "the secret access key" not in written


def test_the_search_would_find_the_key() -> None:
    """With botocore let loose, the key is where the test above looks for it."""
    import boto3
    from moto import mock_aws

    out = io.StringIO()
    handler = logging.StreamHandler(out)
    noisy = logging.getLogger("botocore")
    before = noisy.level
    noisy.addHandler(handler)
    try:
        with mock_aws():
            client = boto3.client(
                "kms", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
            )
            kms = open_kms("aws-kms", client.create_key()["KeyMetadata"]["Arn"], {})
            noisy.setLevel(5)
            material = new_material(Algorithm.AES256_GCM)
            assert kms.unwrap(kms.wrap(material)) == material
    finally:
        noisy.removeHandler(handler)
        noisy.setLevel(before)
    assert any(spelling in out.getvalue() for spelling in everything(material))


@pytest.mark.parametrize("name", log.SDKS)
def test_no_request_lowers_a_library(name: str) -> None:
    log.configure("text", "INFO", io.StringIO())
    loggers = Loggers()
    deep = f"{name}.some.module"
    for asked in (deep, name, "root"):
        assert not {name, deep} & set(loggers.change(asked, "DEBUG"))
    assert logging.getLogger(deep).getEffectiveLevel() >= logging.WARNING
    assert deep in loggers.change(deep, "ERROR")


def test_a_level_that_a_library_sets_by_itself_is_raised_and_what_it_says_below_warning_is_not_written() -> (
    None
):
    out = io.StringIO()
    log.configure("text", "DEBUG", out)
    own = logging.getLogger("azure.some.policy")
    own.setLevel(logging.DEBUG)
    own.debug("before")
    log.quiet_sdks()
    assert own.level == logging.WARNING
    unknown = logging.getLogger("a.library.of.tomorrow")
    unknown.setLevel(logging.DEBUG)
    unknown.info("below")
    unknown.warning("said")
    assert "before" not in out.getvalue()
    assert "below" not in out.getvalue()
    assert "said" in out.getvalue()


def test_googles_own_switch_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    monkeypatch.setenv("GOOGLE_SDK_PYTHON_LOGGING_SCOPE", "google.cloud.kms_v1")
    log.configure("text", "INFO", io.StringIO())
    assert "GOOGLE_SDK_PYTHON_LOGGING_SCOPE" not in os.environ
