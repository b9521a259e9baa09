"""Tests against programs that are not ours. Without them a developer's run skips loudly; in CI it fails."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.interop import namespace
from tests.peers import missing, needs_programs

# What these wait for is signalling, or that media come at all; the others measure pictures, sound and gaps, and want
# the machine for themselves. The numbers are seconds that each takes: the longest begin first.
_SHARING = {
    f"test_{name}.py": seconds
    for name, seconds in (
        ("network_conference", 110),
        ("h323_own", 100),
        ("h323_nat", 90),
        ("browser_calls", 75),
        ("h323_terminals", 55),
        ("join_page", 45),
        ("portal", 45),
        ("h323_meeting", 40),
        ("h323_upkeep", 40),
        ("content", 35),
        ("gatekeeper", 30),
        ("h323_calls", 30),
        ("routed_calls", 30),
        ("sip_calls", 30),
        ("dialing", 25),
        ("registrar", 25),
        ("sip_nat", 25),
        ("switch_orders", 30),
        ("sip_gate", 20),
        ("sip_sessions", 20),
        ("sip_tls", 20),
        ("focus", 12),
        ("network_guests", 15),
        ("network_page", 15),
        ("caller_offline", 70),
        ("capacity", 10),
        ("cannot_serve", 5),
    )
}
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked, so that `-m "not interop"` leaves it out. Of tests with peers elsewhere all share."""
    for item in items:
        if _is_here(item):
            item.add_marker("interop")
        if item.get_closest_marker("interop") and (not _is_here(item) or item.path.name in _SHARING):
            item.add_marker("shares")
    items.sort(key=_takes_s, reverse=True)


def _is_here(item: pytest.Item) -> bool:
    return Path(__file__).parent in item.path.parents


def _takes_s(item: pytest.Item) -> int:
    return _SHARING.get(item.path.name, 0) if _is_here(item) else 0


@pytest.fixture(scope="session", autouse=True)
def hospital() -> None:
    """All tests of this folder run in a network namespace of their own."""
    try:
        namespace.enter()
    except namespace.NoNamespace as reason:
        missing(f"no network namespace: {reason}")


@pytest.fixture(scope="module", autouse=True)
def _tidied_up() -> Iterator[None]:
    """What the tests of a file left open is theirs, and not found out in the next file."""
    yield
    gc.collect()


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
