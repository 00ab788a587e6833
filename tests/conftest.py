"""What every test may ask for: programs of other makers, and calm Hypothesis settings."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest
from hypothesis import settings
from yarl import URL

# A deadline per example measures the machine, not the code; the bound is pytest's own timeout.
settings.register_profile("gateway", deadline=None, print_blob=True)
settings.load_profile("gateway")


@pytest.fixture(scope="session")
def root() -> Path:
    """The project's own folder."""
    return Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def xmlsec1() -> Path:
    """The xmlsec1 program, a foreign verifier of XML signatures."""
    return _program("xmlsec1")


@pytest.fixture(scope="session")
def openssl() -> Path:
    """The openssl program, a foreign maker and verifier of keys, certificates and signatures."""
    return _program("openssl")


@pytest.fixture(scope="session")
def rabbitmq_url() -> str:
    """A RabbitMQ that runs: GATEWAY_TEST_AMQP_URL, else the one of this machine."""
    url = os.environ.get("GATEWAY_TEST_AMQP_URL", "amqp://guest:guest@127.0.0.1:5672/")
    address = URL(url)
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex((address.host or "", address.port or 5672)) == 0:
            return url
    reason = f"no RabbitMQ at {address.host}:{address.port}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _program(name: str) -> Path:
    """Find a program; without it the test is skipped with the reason, and fails where CI=true."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    reason = f"{name} is not installed (./dev test installs it when run by root on Debian)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
