"""/healthz and /metrics."""

import asyncio
from dataclasses import replace

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from portal.app import create_app
from portal.services import Sample
from tests.portal.fakes import Site


async def good() -> bool:
    return True


async def bad() -> bool:
    return False


async def broken() -> bool:
    raise OSError("disk /srv/secret")


async def stuck() -> bool:
    await asyncio.sleep(60)
    return True


@pytest.mark.parametrize(
    ("checks", "status", "parts"),
    [
        ({}, 200, {}),
        ({"media": good}, 200, {"media": "ok"}),
        ({"disk": good, "media": bad}, 503, {"disk": "ok", "media": "failing"}),
        ({"disk": broken}, 503, {"disk": "failing"}),
        ({"media": stuck}, 503, {"media": "failing"}),
    ],
)
async def test_healthz(monkeypatch, checks, status, parts):
    monkeypatch.setattr("portal.api.health._PATIENCE_S", 0.05)
    app = create_app(replace(Site().services, health=checks))
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/healthz")
        assert answer.status == status
        assert await answer.json() == {
            "status": "ok" if status == 200 else "failing",
            "checks": {"store": "ok", **parts},
        }


async def test_healthz_when_the_store_is_lost():
    site = Site()
    site.rooms.get = lambda _number: broken()
    async with TestClient(TestServer(create_app(site.services))) as client:
        answer = await client.get("/healthz")
        assert (answer.status, (await answer.json())["checks"]) == (503, {"store": "failing"})
        assert "secret" not in await answer.text()


def worker_samples() -> list[Sample]:
    return [
        Sample("packets", 12, {"process": "net", "direction": "in"}, is_counter=True, help="Packets"),
        Sample("packets", 30, {"process": "net", "direction": "out"}, is_counter=True, help="Packets"),
        Sample("packets_dropped", 3, {"reason": 'bad "tag"\n'}, is_counter=True, help="Drops"),
        Sample("tick_lateness_seconds", 0.002, {"process": "video"}, help="Lateness"),
    ]


async def test_metrics():
    site = Site()
    app = create_app(replace(site.services, metrics=(worker_samples,)))
    await site.add_room()
    await site.join("1001", 7)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/metrics")
        assert answer.status == 200 and answer.headers["Content-Type"].startswith("text/plain")
        families = {family.name: family for family in text_string_to_metric_families(await answer.text())}
        values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in families.values()
            for sample in family.samples
        }
    assert values["drumtower_conferences", ()] == 1
    assert values["drumtower_participants", (("protocol", "sip"),)] == 1
    assert values["drumtower_participants", (("protocol", "webrtc"),)] == 0
    assert values["drumtower_packets_total", (("direction", "out"), ("process", "net"))] == 30
    assert values["drumtower_packets_dropped_total", (("reason", 'bad "tag"\n'),)] == 3
    assert values["drumtower_tick_lateness_seconds", (("process", "video"),)] == 0.002
    assert ("drumtower_loop_lag_seconds", ()) in values
    assert families["drumtower_packets"].type == "counter"


def rival_samples() -> list[Sample]:
    return [
        Sample("packets", 99, {"process": "net", "direction": "in"}, is_counter=True),
        Sample("packets", 5, {"worker": "1"}, is_counter=True),
    ]


async def test_two_sources_of_one_family_stay_one_family():
    app = create_app(replace(Site().services, metrics=(worker_samples, rival_samples)))
    async with TestClient(TestServer(app)) as client:
        text = await (await client.get("/metrics")).text()
    assert text.count("# TYPE drumtower_packets_total counter") == 1
    lines = [line for line in text.splitlines() if line.startswith("drumtower_packets_total")]
    assert [line.split()[-1] for line in lines] == ["12.0", "30.0", "5.0"]


async def test_metrics_are_for_known_networks_and_administrators():
    site = Site(metrics_networks=("192.0.2.0/24",))
    await site.add_user()
    async with TestClient(TestServer(create_app(site.services))) as client:
        assert (await client.get("/metrics")).status == 401
        await client.post("/api/v1/session", json={"name": "admin", "password": "quiet lantern over water"})
        assert (await client.get("/metrics")).status == 200
