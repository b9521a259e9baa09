"""For all tests: what collecting them has made stays to the end, and is not looked through for garbage."""

from __future__ import annotations

import gc

import hypothesis as hypothesis  # else its plugin does it for the summary: Python 3.11 may fail there, tidying up
import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> object:
    """Modules and test items are no garbage: do not search them while there are more and more of them, nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
