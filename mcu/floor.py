"""The shared screen of a conference: who has the floor, whose screen is shown, and who is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcu.fleet.worker import Worker
from mcu.media import Kind, stream_id
from mcu.participant import Participant
from mcu.sharing import Sharing
from mcu.worker.messages import LegStats, RemoveSource


class Floor:
    """Keeps participants, worker and legs in step with Sharing. `changed` is called when the picture is another."""

    def __init__(
        self, people: Mapping[int, Participant], worker: Worker, may_take_over: Callable[[], bool],
        changed: Callable[[], None],
    ) -> None:  # fmt: skip
        self._people = people
        self._worker = worker
        self._may_take_over = may_take_over
        self._changed = changed
        self._sharing = Sharing()
        self._told = 0

    @property
    def holder(self) -> int:
        """The participant who has the floor, 0 for nobody."""
        return self._sharing.holder

    def request(self, participant: int) -> bool:
        """Somebody wants to present; whether it may. Who presented until now is told to stop."""
        if participant not in self._people:
            return False
        is_granted = self._sharing.request(participant, may_take_over=self._may_take_over())
        self._update()
        return is_granted

    def release(self, participant: int) -> None:
        """Somebody presents no longer."""
        self._sharing.release(participant)
        self._update()

    def end(self, participant: int) -> None:
        """Somebody left, or sends no shared screen any more."""
        self._sharing.end(participant)
        self._update()

    def welcome(self, person: Participant) -> None:
        """Tell somebody who has just come who presents."""
        if holder := self._people.get(self._told):
            person.leg.floor_changed(holder.id, holder.name)

    def watch(self, person: Participant, stats: LegStats) -> None:
        """A content stream that flows is shown, one that has dried up is not; no protocol has to say so."""
        content = next((stream for stream in stats.streams if stream.kind is Kind.CONTENT), None)
        if person.has_content and content is not None:
            is_flowing = content.received_bitrate_bps > 0
            self._sharing.report(person.id, is_flowing, may_take_over=self._may_take_over())
            self._update()

    def _update(self) -> None:
        is_other_picture = False
        for person in self._people.values():
            is_sharing = person.id == self._sharing.current
            if person.is_sharing and not is_sharing:
                self._worker.send("video", RemoveSource(stream_id(person.id, Kind.CONTENT)))
            is_other_picture |= person.is_sharing is not is_sharing
            person.is_sharing = is_sharing
        if self._told != self.holder:
            self._told = self.holder
            holder = self._people.get(self.holder)
            for person in list(self._people.values()):
                person.leg.floor_changed(self._told, "" if holder is None else holder.name)
            is_other_picture = True
        if is_other_picture:
            self._changed()
