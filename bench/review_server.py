"""One recording behind the portal's own handler, in a process of its own: sealed, in plain chunks, or as one file."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from aiohttp import web
from aiohttp.typedefs import Handler

from bench.plain_chunks import plain_chunks
from crypto.keys import MasterKey
from portal.api.recordings import media
from portal.principal import PRINCIPAL, Principal
from portal.roles import Role
from portal.services import SERVICES, Services
from recorder.disk_storage import DiskStorage
from recorder.opening import Opening
from recorder.shelf import Shelf
from store.recordings import Recording

ID = "bench"
MASTER = MasterKey(bytes(range(32)))
_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_ROW = Recording(ID, "1001", "Bench", _NOW, "bench", "complete", _NOW)
_COPIED_BYTES = 1 << 20


class PlainReader:
    """A file as it is."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self.size = os.fstat(self._descriptor).st_size

    def read(self, start: int, length: int) -> bytes:
        """Bytes from `start`."""
        return os.pread(self._descriptor, length, start)

    def close(self) -> None:
        """Free the descriptor."""
        os.close(self._descriptor)


class Rows:
    """There is one."""

    async def get(self, _recording_id: str) -> Recording:
        """Always the same."""
        return _ROW


def _plain(folder: Path, opening: Opening) -> Path:
    """What is served, as a file."""
    path = folder / "plain.mp4"
    if not path.exists():
        reader, at = opening.open(_ROW), 0
        with path.open("wb") as out:
            while piece := reader.read(at, _COPIED_BYTES):
                at += out.write(piece)
        reader.close()
    return path


@web.middleware
async def _reviewer(request: web.Request, handler: Handler) -> web.StreamResponse:
    request[PRINCIPAL] = Principal(1, "bench", frozenset(Role), 1, "password", "127.0.0.1")
    return await handler(request)


async def _media(request: web.Request) -> web.StreamResponse:
    request.match_info["recording"] = ID
    return await media(request)


async def _serve(folder: Path, *, is_plain: bool) -> None:
    opening = Opening(Shelf(DiskStorage(folder), MASTER))
    path = _plain(folder, opening) if is_plain else folder
    library = SimpleNamespace(open=(lambda _row: PlainReader(path)) if is_plain else opening.open)
    app = web.Application(middlewares=[_reviewer])
    app[SERVICES] = cast("Services", SimpleNamespace(recordings=Rows(), library=library))
    app.router.add_get("/media", _media, allow_head=True)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader = library.open(_ROW)
    print(json.dumps({"port": runner.addresses[0][1], "size": reader.size}), flush=True)
    reader.close()
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Serve until the standard input is closed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--chunks", action="store_true", help="of chunks that are not sealed")
    options = parser.parse_args()
    # A player that seeks hangs up in the middle of an answer.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    logging.getLogger("portal").setLevel(logging.CRITICAL)
    with plain_chunks() if options.chunks else nullcontext():
        asyncio.run(_serve(options.folder, is_plain=options.plain))


if __name__ == "__main__":
    main()
