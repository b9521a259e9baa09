"""ICE on a port of its own (RFC 8445 lite): the peer's checks tell where it is; everything else goes on as without."""

from __future__ import annotations

from collections import Counter

from mcu.media import IceCredentials
from mcu.net.check_budget import CheckBudget
from mcu.net.ice import Address, Credentials, IceAgent, Path, PathSelected

_LEG = 1
"""An agent of one port knows one peer."""


class PortChecks:
    """Answers the checks that come to one port, once there are credentials."""

    def __init__(self, budget: CheckBudget, counters: Counter[str]) -> None:
        self._budget = budget
        self._counters = counters
        self._agent: IceAgent | None = None
        self._credentials: IceCredentials | None = None

    @property
    def is_on(self) -> bool:
        """Whether ICE was agreed on."""
        return self._agent is not None

    def use(self, ice: IceCredentials | None) -> None:
        """Signalling agreed on these (None: on no ICE); new ones restart (RFC 8445 9), the same ones go on."""
        if ice == self._credentials:
            return
        self._credentials = ice
        if ice is None:
            self._agent = None
        elif self._agent is None:
            self._agent = IceAgent()
            self._agent.counters = self._counters
            self._agent.add(_LEG, Credentials(ice.ufrag, ice.pwd))
        else:
            self._agent.restart(_LEG, Credentials(ice.ufrag, ice.pwd))

    def receive(self, data: bytes, source: Address, now_us: int) -> tuple[bytes | None, Address | None]:
        """The answer to a check, None for silence; and where the peer is from now on, None where nothing changed."""
        path = Path(0, source)
        if self._agent is None:
            self._counters["not-media"] += 1
            return None, None
        if self._agent.leg_at(path) is None and not self._budget.take(now_us):
            self._counters["stun-flood"] += 1
            return None, None
        answer, chosen = self._agent.receive(data, path, now_us), None
        while (event := self._agent.next_event()) is not None:
            if isinstance(event, PathSelected):
                chosen = event.path.remote
        return answer, chosen
