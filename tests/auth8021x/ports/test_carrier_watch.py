"""The watch of carriers on a running loop: one port does not keep the next from hearing that its line is gone."""

from __future__ import annotations

import asyncio

import pytest

from auth8021x.ports.carrier_watch import CarrierWatch


async def test_a_port_that_fails_keeps_no_other_from_hearing_of_its_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    told = asyncio.Event()

    def changed(name: str, is_up: bool) -> None:
        if name == "p1":
            raise RuntimeError("no machines")
        assert not is_up
        told.set()

    watch = CarrierWatch(["p1", "p2"], changed)
    monkeypatch.setattr(watch.carriers, "receive", lambda _data: [("p1", False), ("p2", False)])
    async with asyncio.timeout(10):
        await told.wait()
    watch.close()
    assert "port=p1" in caplog.text
