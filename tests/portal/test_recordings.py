"""Recordings over the API: pages, byte ranges in bounded pieces, the check of the seal."""

import asyncio
from datetime import timedelta

import pytest

from crypto.sealing import SealError
from portal.api.recordings import _PIECE_BYTES
from recorder.library import Verdict
from tests.portal.fakes import NOW

DATA = bytes(range(256)) * 10
SIZE = len(DATA)


async def until_closed(reader):
    """The last byte reaches the client a little before the handler ends."""
    async with asyncio.timeout(2):
        while not reader.is_closed:
            await asyncio.sleep(0.001)


async def test_list_and_one(admin, site):
    site.add_recording("old", started_at=NOW - timedelta(days=1))
    site.add_recording("new")
    listed = await (await admin.call("GET", "/recordings")).json()
    assert [recording["id"] for recording in listed["recordings"]] == ["new", "old"]
    assert listed["next"] is None
    one = await (await admin.call("GET", "/recordings/new")).json()
    assert one == listed["recordings"][0]
    assert one["participants"] == ["Dr Wang", "Dr Li"]


async def test_pages(admin, site):
    for index in range(120):
        site.add_recording(f"r{index}", started_at=NOW - timedelta(minutes=index))
    found, path = [], "/recordings"
    while path:
        page = await (await admin.call("GET", path)).json()
        found += [recording["id"] for recording in page["recordings"]]
        path = f"/recordings?before={page['next'].replace('+', '%2B')}" if page["next"] else ""
    assert found == [f"r{index}" for index in range(120)]


@pytest.mark.parametrize("before", ["yesterday", "2026-03-04", "2026-03-04T08:30:00", "x" * 500])
async def test_bad_page(admin, before):
    assert (await admin.call("GET", f"/recordings?before={before}")).status == 422


@pytest.mark.parametrize(
    ("header", "status", "start", "end"),
    [
        (None, 200, 0, SIZE),
        ("bytes=0-", 206, 0, SIZE),
        ("bytes=100-199", 206, 100, 200),
        ("bytes=-56", 206, SIZE - 56, SIZE),
        ("bytes=2500-99999", 206, 2500, SIZE),
        ("bytes=5-1", 200, 0, SIZE),
        ("bytes=0-1,7-8", 200, 0, SIZE),
    ],
)
async def test_media(admin, site, header, status, start, end):
    site.add_recording(data=DATA)
    answer = await admin.call("GET", "/recordings/r1/media", headers={"Range": header} if header else {})
    assert answer.status == status
    assert await answer.read() == DATA[start:end]
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "video/mp4"
    assert answer.headers.get("Content-Range") == (f"bytes {start}-{end - 1}/{SIZE}" if status == 206 else None)
    reader = site.library.readers[0]
    assert reader.reads == [(start, end - start)]
    await until_closed(reader)


async def test_range_outside(admin, site):
    site.add_recording(data=DATA)
    answer = await admin.call("GET", "/recordings/r1/media", headers={"Range": f"bytes={SIZE}-"})
    assert (answer.status, (await answer.json())["code"]) == (416, "range-not-satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"
    assert site.library.readers[0].reads == []
    assert site.library.readers[0].is_closed


async def test_head_reads_nothing(admin, site):
    site.add_recording(data=DATA)
    answer = await admin.call("HEAD", "/recordings/r1/media")
    assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))
    assert site.library.readers[0].reads == []


async def test_large_media_is_read_in_bounded_pieces(admin, site):
    data = bytes(1000) * 3000
    site.add_recording(data=data)
    answer = await admin.call("GET", "/recordings/r1/media")
    assert await answer.read() == data
    lengths = [length for _, length in site.library.readers[0].reads]
    assert max(lengths) <= _PIECE_BYTES and sum(lengths) == len(data)


async def test_broken_piece_breaks_the_answer_off(admin, site, caplog):
    site.add_recording(data=bytes(3 * _PIECE_BYTES))
    opened = site.library.open

    def open_broken(recording):
        reader = opened(recording)
        read = reader.read

        def read_broken(start, length):
            if start >= _PIECE_BYTES:
                raise SealError("a chunk was changed", start)
            return read(start, length)

        reader.read = read_broken
        return reader

    site.library.open = open_broken
    answer = await admin.call("GET", "/recordings/r1/media")
    with pytest.raises(Exception, match=r"payload|closed|reset|disconnected"):
        await answer.read()
    assert "recording=r1 broken" in caplog.text
    await until_closed(site.library.readers[0])


async def test_missing_file(admin, site):
    site.add_recording()
    site.library.files.clear()
    assert (await admin.call("GET", "/recordings/r1/media")).status == 404


@pytest.mark.parametrize("identity", ["nothing", "..%2f..%2fetc%2fpasswd", "x" * 65, "a%00b"])
async def test_unknown_recording(admin, identity):
    assert (await admin.call("GET", f"/recordings/{identity}/media")).status == 404


@pytest.mark.parametrize("verdict", [Verdict(is_intact=True), Verdict(False, (4096, 8192), "tag", "r1.dtr")])
async def test_verify(admin, site, verdict):
    site.add_recording()
    site.library.verdict = verdict
    answer = await admin.call("POST", "/recordings/r1/verify", {})
    first, end = verdict.first_bad or (None, None)
    assert await answer.json() == {
        "is_intact": verdict.is_intact, "first_bad_byte": first, "bad_end": end, "file": verdict.file
    }  # fmt: skip


async def test_running_recording_cannot_be_verified(admin, site):
    site.add_recording(state="running")
    assert (await admin.call("POST", "/recordings/r1/verify", {})).status == 409
