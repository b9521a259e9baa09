"""Recordings: the list, one of them, its media by byte range, and the check of its seal."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from aiohttp import hdrs, web

from crypto.sealing import SealError
from portal.auditing import tell
from portal.bodies import json_response, recording_id
from portal.errors import Conflict, Invalid, NotFound, RangeNotSatisfiable, Unavailable
from portal.principal import principal_of
from portal.ranges import ByteRange, Unsatisfiable, parse_range
from portal.rights import Access
from portal.route import API, Route
from portal.services import SERVICES
from recorder.errors import NoSuchFileError, RecordingError
from recorder.library import RecordingReader
from store.recordings import Recording

logger = logging.getLogger(__name__)

_PAGE = 50
_PIECE_BYTES = 256 * 1024
"""Read and sent at a time: memory is one piece a viewer, however long the recording is."""


async def list_recordings(request: web.Request) -> web.Response:
    """GET /recordings?room=…&before=…: newest first; `next` is the `before` of the next page."""
    before = _before(request.query.get("before"))
    room = request.query.get("room", "")[:12]
    found = await request.app[SERVICES].recordings.page(room=room, before=before, limit=_PAGE + 1)
    page = found[:_PAGE]
    has_more = len(found) > _PAGE
    return json_response(
        {
            "recordings": [describe(recording) for recording in page],
            "next": page[-1].started_at.isoformat() if has_more else None,
        }
    )


async def show_recording(request: web.Request) -> web.Response:
    """GET /recordings/{recording}."""
    return json_response(describe(await _find(request)))


async def verify_recording(request: web.Request) -> web.Response:
    """POST /recordings/{recording}/verify: every chunk, the whole chain, and the index."""
    recording = await _find(request)
    if recording.state == "running":
        raise Conflict
    library = request.app[SERVICES].library
    try:
        verdict = await asyncio.to_thread(library.verify, recording)
    except (FileNotFoundError, NoSuchFileError):
        raise NotFound from None
    except (OSError, RecordingError) as error:
        logger.error("recording=%s cannot be read: %s", recording.id, error)
        raise Unavailable from None
    first, end = verdict.first_bad or (None, None)
    tell(request, new={"is_intact": verdict.is_intact, "first_bad_byte": first})
    # Behind the last bad byte; where something is missing both are the same.
    return json_response(
        {"is_intact": verdict.is_intact, "first_bad_byte": first, "bad_end": end, "file": verdict.file}
    )


async def media(request: web.Request) -> web.StreamResponse:
    """GET /recordings/{recording}/media: the clear MP4, or the asked range of it, decrypted piece by piece."""
    recording = await _find(request)
    reader = await _open(request, recording)
    try:
        return await _send(request, recording, reader)
    finally:
        await asyncio.to_thread(reader.close)


async def _open(request: web.Request, recording: Recording) -> RecordingReader:
    try:
        return await asyncio.to_thread(request.app[SERVICES].library.open, recording)
    except (FileNotFoundError, NoSuchFileError):
        raise NotFound from None
    except (OSError, RecordingError, SealError) as error:
        logger.error("recording=%s cannot be opened: %s", recording.id, error)
        raise Unavailable from None


async def _send(request: web.Request, recording: Recording, reader: RecordingReader) -> web.StreamResponse:
    size = reader.size
    try:
        wanted = parse_range(request.headers.get(hdrs.RANGE), size)
    except Unsatisfiable:
        raise RangeNotSatisfiable(headers={hdrs.CONTENT_RANGE: f"bytes */{size}"}) from None
    part = wanted or ByteRange(0, size)
    response = web.StreamResponse(status=206 if wanted else 200)
    response.content_type = "video/mp4"
    response.content_length = part.length
    response.headers[hdrs.ACCEPT_RANGES] = "bytes"
    if wanted:
        response.headers[hdrs.CONTENT_RANGE] = part.content_range(size)
    logger.info(
        "recording=%s user=%s reads start=%d length=%d",
        recording.id, principal_of(request).name, part.start, part.length,
    )  # fmt: skip
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        await _stream(response, recording, reader, part)
    return response


async def _stream(response: web.StreamResponse, recording: Recording, reader: RecordingReader, part: ByteRange) -> None:
    position, end = part.start, part.start + part.length
    while position < end:
        try:
            piece = await asyncio.to_thread(reader.read, position, min(_PIECE_BYTES, end - position))
        except (OSError, RecordingError, SealError) as error:
            # The head is sent already: only breaking off tells the player that bytes are missing.
            logger.error("recording=%s broken at=%d: %s", recording.id, position, error)
            raise ConnectionResetError("recording is broken") from None
        if not piece:
            raise ConnectionResetError("recording is shorter than its index")
        await response.write(piece)
        position += len(piece)
    await response.write_eof()


def describe(recording: Recording) -> dict[str, object]:
    """A recording as the API shows it."""
    return {
        "id": recording.id,
        "room_number": recording.room_number,
        "room_name": recording.room_name,
        "state": recording.state,
        "started_at": recording.started_at.isoformat(),
        "ended_at": recording.ended_at.isoformat() if recording.ended_at else None,
        "started_by": recording.started_by,
        "duration_s": recording.duration_s,
        "size_bytes": recording.size_bytes,
        "chain_head": recording.chain_head,
        "error": recording.error,
        "participants": list(recording.participants),
    }


def _before(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        before = datetime.fromisoformat(text[:40])
    except ValueError:
        raise Invalid({"before": "pattern"}) from None
    if before.tzinfo is None:
        raise Invalid({"before": "pattern"})
    return before


async def _find(request: web.Request) -> Recording:
    recording = await request.app[SERVICES].recordings.get(recording_id(request))
    if recording is None:
        raise NotFound
    return recording


_ONE = f"{API}/recordings/{{recording}}"
ROUTES = (
    Route("GET", f"{API}/recordings", list_recordings, Access.REVIEW_RECORDINGS),
    Route("GET", _ONE, show_recording, Access.REVIEW_RECORDINGS),
    Route("GET", f"{_ONE}/media", media, Access.REVIEW_RECORDINGS),
    Route("POST", f"{_ONE}/verify", verify_recording, Access.REVIEW_RECORDINGS, changes="recording.verified"),
)
