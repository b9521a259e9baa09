"""Records of accounting that wait for a server: in order within a session, bounded, tried again and again. Pure.

RFC 2866 2: a client goes on until it has its answer. What was told about a session overtakes nothing about the same
session, or an interim update would open it again at the server after its end.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field

from auth8021x.errors import QueueFullError
from auth8021x.radius.record import Record
from auth8021x.wire.dictionary import AcctStatusType
from config.dot1x import AccountingSettings


@dataclass(slots=True)
class _Session:
    waiting: deque[Record] = field(default_factory=deque)
    is_in_flight: bool = False
    """Its first record has been sent."""
    next_at: float = 0.0
    """Monotonic seconds."""
    failures: int = 0


class AccountingQueue:
    """All records that no server has taken yet."""

    def __init__(self, settings: AccountingSettings) -> None:
        self._settings = settings
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._size = 0
        self._in_flight = 0
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._size

    def records(self) -> list[Record]:
        """All of them, in their order."""
        found = [record for session in self._sessions.values() for record in session.waiting]
        return sorted(found, key=lambda record: record.number)

    def put(self, record: Record) -> list[Record]:
        """Let a record wait; those that made way for it. Raises QueueFullError."""
        session = self._sessions.setdefault(record.session, _Session())
        removed = self._superseded(session, record)
        if self._size >= self._settings.max_records:
            dropped = self._drop_update()
            if dropped is None:
                if not session.waiting:
                    del self._sessions[record.session]
                self.counters["refused"] += 1
                raise QueueFullError("accounting: as many records as may be kept wait already")
            removed.append(dropped)
            session = self._sessions.setdefault(record.session, session)
        session.waiting.append(record)
        self._size += 1
        return removed

    def ready(self, now: float) -> list[Record]:
        """What is to be sent now; each is delivered() or failed() some time."""
        found: list[Record] = []
        barrier = self._barrier()
        for session in self._sessions.values():
            if self._in_flight >= self._settings.max_in_flight:
                break
            if session.is_in_flight or session.next_at > now or session.waiting[0].number > barrier:
                continue
            session.is_in_flight = True
            self._in_flight += 1
            found.append(session.waiting[0])
        return found

    def delivered(self, record: Record) -> None:
        """A server has taken it."""
        session = self._landed(record)
        session.failures = 0
        self._remove_first(record.session)
        self.counters["delivered"] += 1

    def failed(self, record: Record, now: float) -> None:
        """No server has; it stays the first of its session."""
        session = self._landed(record)
        wait_s = self._settings.retry_s * 2.0 ** min(session.failures, 30)
        session.failures += 1
        session.next_at = now + min(wait_s, self._settings.max_retry_s)
        self.counters["failed"] += 1

    def expire(self, now_utc: float) -> list[Record]:
        """Drop what is too old; the records dropped."""
        limit = now_utc - self._settings.max_age_s
        dropped: list[Record] = []
        for name, session in list(self._sessions.items()):
            while session.waiting and not session.is_in_flight and session.waiting[0].made_at < limit:
                dropped.append(session.waiting[0])
                self._remove_first(name)
        self.counters["expired"] += len(dropped)
        return dropped

    def next_timeout(self) -> float | None:
        """When ready() may have something, where nothing else happens before."""
        if self._in_flight >= self._settings.max_in_flight:
            return None
        barrier = self._barrier()
        return min(
            (
                session.next_at
                for session in self._sessions.values()
                if not session.is_in_flight and session.waiting[0].number <= barrier
            ),
            default=None,
        )

    def _barrier(self) -> float:
        """Nothing overtakes Accounting-On or -Off: it closes, at the server, all sessions that it knows of us."""
        machine = self._sessions.get("")
        return machine.waiting[0].number if machine is not None else float("inf")

    def _superseded(self, session: _Session, record: Record) -> list[Record]:
        """An interim update says all that the one before it says."""
        if record.status is not AcctStatusType.INTERIM_UPDATE or not session.waiting:
            return []
        last = session.waiting[-1]
        is_sent = session.is_in_flight and len(session.waiting) == 1
        if last.status is not AcctStatusType.INTERIM_UPDATE or is_sent:
            return []
        session.waiting.pop()
        self._size -= 1
        self.counters["superseded"] += 1
        return [last]

    def _drop_update(self) -> Record | None:
        """Make room: the oldest update goes, since a Stop tells its numbers, too."""
        oldest: tuple[str, Record] | None = None
        for name, session in self._sessions.items():
            for place, record in enumerate(session.waiting):
                is_sent = session.is_in_flight and place == 0
                is_older = oldest is None or record.number < oldest[1].number
                if record.status is AcctStatusType.INTERIM_UPDATE and not is_sent and is_older:
                    oldest = (name, record)
        if oldest is None:
            return None
        name, record = oldest
        self._sessions[name].waiting.remove(record)
        self._size -= 1
        self.counters["dropped-updates"] += 1
        self._tidy(name)
        return record

    def _landed(self, record: Record) -> _Session:
        session = self._sessions[record.session]
        session.is_in_flight = False
        self._in_flight -= 1
        return session

    def _remove_first(self, name: str) -> None:
        self._sessions[name].waiting.popleft()
        self._size -= 1
        self._tidy(name)

    def _tidy(self, name: str) -> None:
        if not self._sessions[name].waiting:
            del self._sessions[name]
