"""A portal on memory: real gate, real conferences on a worker that only notes, recordings of plain bytes."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from config.portal import PortalSettings
from crypto.passcode import PasscodeHasher
from mcu.conferences import Conferences
from mcu.participant import Role
from portal.services import Services
from recorder.library import Verdict
from signaling.admission import Gate, admission_to, policy_of
from signaling.call_request import CallRequest
from signaling.calls import Calls
from store.errors import AlreadyExists, NotFound
from store.recordings import Recording
from store.rooms import Room
from store.sessions import Session
from store.users import User
from tests.mcu.fakes import FakeFleet, FakeLeg, FakeRegister

NOW = datetime(2026, 3, 4, 8, 30, tzinfo=UTC)
PASSWORD = "quiet lantern over water"
PASSWORD_HASHES: dict[str, str] = {}


class MemoryUsers:
    def __init__(self) -> None:
        self.rows: dict[int, User] = {}

    async def find(self, name: str) -> User | None:
        return next((user for user in self.rows.values() if user.name.casefold() == name.casefold()), None)

    async def get(self, user_id: int) -> User | None:
        return self.rows.get(user_id)

    async def add(self, name: str, password_hash: str, *, role: str = "admin", must_change: bool = False) -> User:
        user = User(len(self.rows) + 1, name, password_hash, role, must_change, NOW)
        self.rows[user.id] = user
        return user

    async def set_password(self, user_id: int, password_hash: str, *, must_change: bool = False) -> User:
        user = replace(self.rows[user_id], password_hash=password_hash, must_change=must_change)
        self.rows[user_id] = user
        await self.sessions.close_all(user_id)
        return user


class MemorySessions:
    def __init__(self, users: MemoryUsers) -> None:
        self.users = users
        self.rows: dict[str, Session] = {}
        users.sessions = self

    async def open(self, user_id: int, *, now: datetime, lifetime_s: float) -> tuple[str, Session]:
        token = secrets.token_urlsafe(32)
        user = self.users.rows[user_id]
        session = Session(len(self.rows) + 1, user, secrets.token_hex(16), now, now + timedelta(seconds=lifetime_s))
        self.rows[hashlib.sha256(token.encode()).hexdigest()] = session
        return token, session

    async def find(self, token: str, *, now: datetime) -> Session | None:
        session = self.rows.get(hashlib.sha256(token.encode()).hexdigest())
        return session if session is not None and now < session.expires_at else None

    async def extend(self, session_id: int, *, expires_at: datetime) -> None:
        for key, session in self.rows.items():
            if session.id == session_id:
                self.rows[key] = replace(session, expires_at=expires_at)

    async def close(self, session_id: int) -> None:
        self.rows = {key: session for key, session in self.rows.items() if session.id != session_id}

    async def purge(self, *, now: datetime) -> int:
        count = len(self.rows)
        self.rows = {key: session for key, session in self.rows.items() if now < session.expires_at}
        return count - len(self.rows)

    async def close_all(self, user_id: int) -> None:
        self.rows = {key: session for key, session in self.rows.items() if session.user.id != user_id}


class MemoryRooms:
    def __init__(self) -> None:
        self.rows: dict[str, Room] = {}

    async def find(self, dialled: str) -> Room | None:
        return self.rows.get(dialled)

    async def get(self, number: str) -> Room | None:
        return self.rows.get(number)

    async def all(self) -> list[Room]:
        return sorted(self.rows.values(), key=lambda room: room.number)

    async def add(self, room: Room) -> Room:
        if room.number in self.rows:
            raise AlreadyExists(room.number)
        self.rows[room.number] = room
        return room

    async def change(self, number: str, change: Callable[[Room], Room]) -> Room:
        if number not in self.rows:
            raise NotFound(number)
        old = self.rows[number]
        new = change(old)
        if (old.guest_hash, old.host_hash) != (new.guest_hash, new.host_hash):
            new = replace(new, generation=old.generation + 1)
        self.rows[number] = new = replace(new, version=old.version + 1)
        return new

    async def delete(self, number: str, *, version: int | None = None) -> bool:
        if number not in self.rows or version not in (None, self.rows[number].version):
            return False
        return self.rows.pop(number, None) is not None


class MemoryRecordings:
    def __init__(self) -> None:
        self.rows: dict[str, Recording] = {}

    async def get(self, recording_id: str) -> Recording | None:
        return self.rows.get(recording_id)

    async def page(self, *, room: str = "", before: datetime | None = None, limit: int = 100) -> list[Recording]:
        found = sorted(self.rows.values(), key=lambda recording: recording.started_at, reverse=True)
        found = [recording for recording in found if not room or recording.room_number == room]
        return [recording for recording in found if before is None or recording.started_at < before][:limit]


@dataclass
class MemoryReader:
    data: bytes
    reads: list[tuple[int, int]]
    is_closed: bool = False

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        return self.data[start : start + length]

    def close(self) -> None:
        self.is_closed = True


@dataclass
class MemoryLibrary:
    files: dict[str, bytes] = field(default_factory=dict)
    readers: list[MemoryReader] = field(default_factory=list)
    verdict: Verdict = field(default_factory=lambda: Verdict(is_intact=True))

    def open(self, recording: Recording) -> MemoryReader:
        if recording.id not in self.files:
            raise FileNotFoundError(recording.id)
        reader = MemoryReader(self.files[recording.id], [])
        self.readers.append(reader)
        return reader

    def verify(self, recording: Recording) -> Verdict:
        return self.verdict


class Site:
    """The services of one test, with what it changes behind them."""

    def __init__(self, **settings: object) -> None:
        self.time = NOW
        self.users = MemoryUsers()
        self.sessions = MemorySessions(self.users)
        self.rooms = MemoryRooms()
        self.recordings = MemoryRecordings()
        self.library = MemoryLibrary()
        self.hasher = PasscodeHasher(b"pepper" * 6, memory_kib=8, iterations=1)
        self.conferences = Conferences(FakeFleet(), FakeRegister())
        self.calls = Calls(self.conferences)
        self.gate = Gate(self.rooms, self.conferences, self.hasher)
        self.services = Services(
            settings=PortalSettings(**settings), users=self.users, sessions=self.sessions, rooms=self.rooms,
            recordings=self.recordings, hasher=self.hasher, gate=self.gate, conferences=self.conferences,
            calls=self.calls, library=self.library, now=lambda: self.time,
            dial_addresses=lambda room: [f"sip:{room}@127.0.0.1"],
        )  # fmt: skip

    async def add_user(self, name: str = "admin", role: str = "admin", must_change: bool = False) -> User:
        if PASSWORD not in PASSWORD_HASHES:
            PASSWORD_HASHES[PASSWORD] = await self.hasher.hash(PASSWORD)
        return await self.users.add(name, PASSWORD_HASHES[PASSWORD], role=role, must_change=must_change)

    async def add_room(self, number: str = "1001", **values: object) -> Room:
        return await self.rooms.add(Room(number, values.pop("name", "Cardiology"), **values))

    def add_recording(self, identity: str = "r1", data: bytes = bytes(range(256)) * 10, **values: object) -> Recording:
        start = values.pop("started_at", NOW)
        recording = Recording(
            identity, "1001", "Cardiology", start, "admin", state=values.pop("state", "complete"), size_bytes=len(data),
            duration_s=65.0, ended_at=start + timedelta(seconds=65), participants=("Dr Wang", "Dr Li"),
        )  # fmt: skip
        self.recordings.rows[identity] = replace(recording, **values)
        self.library.files[identity] = data
        return recording

    async def join(
        self, number: str, leg: int, name: str = "Dr Wang", role: Role = Role.GUEST, **values: object
    ) -> FakeLeg:
        conference = await self.conferences.open(policy_of(self.rooms.rows[number]))
        made = FakeLeg(leg, **values)
        await conference.join(made, name, role)
        admission = admission_to(self.rooms.rows[number], role, CallRequest("192.0.2.1", "sip", number))
        self.calls.follow(leg, admission, lambda _there, _person: None)
        return made
