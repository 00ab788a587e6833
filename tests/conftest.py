"""What every test may ask for: programs of other makers, and calm Hypothesis settings."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

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


def _program(name: str) -> Path:
    """Find a program; without it the test is skipped with the reason, and fails where CI=true."""
    found = shutil.which(name)
    if found is not None:
        return Path(found)
    reason = f"{name} is not installed (./dev test installs it when run by root on Debian)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
