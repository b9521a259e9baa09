"""Tests against programs that are not ours. Without them a developer's run skips loudly; in CI it fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.interop import namespace
from tests.peers import missing, needs_programs

# What these wait for is signalling, or that media come at all; the others measure pictures, sound and gaps, and want
# the machine for themselves.
_SHARING = {
    f"test_{name}.py"
    for name in (
        "cannot_serve",
        "capacity",
        "dialing",
        "focus",
        "registrar",
        "sip_calls",
        "sip_gate",
        "sip_nat",
        "sip_sessions",
        "sip_tls",
    )
}
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked, so that `-m "not interop"` leaves it out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("interop")
            if item.path.name in _SHARING:
                item.add_marker("shares")


@pytest.fixture(scope="session", autouse=True)
def hospital() -> None:
    """All tests of this folder run in a network namespace of their own."""
    try:
        namespace.enter()
    except namespace.NoNamespace as reason:
        missing(f"no network namespace: {reason}")


@pytest.fixture
def needs():
    """needs("baresip", ...): the programs that a test talks to."""

    return needs_programs


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    """Playwright with Debian's Chromium."""
    async with async_playwright() as running:
        yield running


@pytest.fixture
def artifacts() -> Path:
    """Screenshots for people to look at; not kept in git."""
    ARTIFACTS.mkdir(exist_ok=True)
    return ARTIFACTS
