"""Tests against programs that are not ours. Without them a developer's run skips loudly; in CI it fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Playwright, async_playwright

from tests.interop import namespace

_IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")
ARTIFACTS = Path(__file__).parents[1] / "artifacts"


def missing(what: str) -> None:
    """Skip, or fail where everything has to be there."""
    if _IN_CI:
        pytest.fail(what)
    pytest.skip(what)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here is marked, so that `-m "not interop"` leaves it out."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("interop")


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

    def check(*programs: str) -> None:
        absent = [program for program in programs if shutil.which(program) is None]
        if absent:
            missing(f"not installed: {' '.join(absent)} (scripts/peers.sh)")

    return check


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
