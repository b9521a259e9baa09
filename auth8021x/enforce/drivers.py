"""Drivers: bring about what a plan says; each says everything that counts, so that what others broke is mended."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Protocol

from auth8021x.enforce import bridge_commands, ruleset
from auth8021x.enforce.plan import KeptOut, Plan
from auth8021x.enforce.programs import Run, run
from auth8021x.errors import EnforcementError
from auth8021x.wire import mac_address
from config.dot1x_enforcement import EnforcementSettings


class Driver(Protocol):
    """One way to keep terminals out."""

    name: str

    async def apply(self, plan: Plan) -> None:
        """Make it so. Raises EnforcementError; as much of it as can be is done then."""


class BridgeDriver:
    """Linux bridges: locked ports, no learning, a static entry a terminal. After a crash they stay until we start."""

    name = "bridge"

    def __init__(self, settings: EnforcementSettings, run: Run = run) -> None:
        self._patience_s = settings.patience_s
        self._run = run

    async def apply(self, plan: Plan) -> None:
        """See Driver. A port that is gone does not keep the others from being set."""
        trouble: list[EnforcementError] = []
        await self._batch("ip", bridge_commands.link_lines(plan), trouble)
        present = bridge_commands.read_entries(await self._shown("static"))
        own = bridge_commands.read_own(await self._shown("permanent"))
        await self._batch("bridge", bridge_commands.entry_lines(plan, present, own), trouble)
        impostors = _impostors(plan, own)
        if not trouble and not impostors:
            return
        kept_out = dict.fromkeys(impostors, KeptOut.OUR_ADDRESS.value)
        if trouble:
            kept_out |= await self._misplaced(plan)
        raise EnforcementError(str(trouble[0]) if trouble else _said(impostors), kept_out)

    async def _misplaced(self, plan: Plan) -> dict[tuple[str, bytes], str]:
        """Who is at a port that is not in its bridge; nobody where that cannot be seen, either."""
        try:
            shown = await self._run(("bridge", "-json", "link", "show"), "", self._patience_s)
            names = bridge_commands.misplaced(plan, shown)
        except EnforcementError:
            return {}
        return {
            (port.name, mac): KeptOut.NO_NETWORK.value for port in plan if port.name in names for mac in port.terminals
        }

    async def _shown(self, state: str) -> bytes:
        return await self._run(("bridge", "-json", "fdb", "show", "state", state), "", self._patience_s)

    async def _batch(self, program: str, lines: list[str], trouble: list[EnforcementError]) -> None:
        if not lines:
            return
        try:
            await self._run(
                (program, "-force", "-batch", "-"), "".join(f"{line}\n" for line in lines), self._patience_s
            )
        except EnforcementError as error:
            trouble.append(error)


class NftablesDriver:
    """nftables, bridge family: sets of port, MAC and address, whose elements run out unless they are said again."""

    name = "nftables"

    def __init__(self, settings: EnforcementSettings, run: Run = run) -> None:
        self._settings = settings
        self._run = run
        self._has_table = False

    async def apply(self, plan: Plan) -> None:
        """See Driver. After trouble the table is made anew: somebody else may have flushed all rules."""
        text = ruleset.contents(plan)
        if not self._has_table:
            settings = self._settings
            text = ruleset.table(plan, settings.timeout_s, checks_addresses=settings.checks_addresses) + text
        self._has_table = False
        await self._run(("nft", "-f", "-"), text, self._settings.patience_s)
        self._has_table = True


def drivers(settings: EnforcementSettings) -> list[Driver]:
    """Those that the settings name: nftables first, since it closes what a bridge leaves open while a port moves."""
    made: list[Driver] = []
    if "nftables" in settings.drivers:
        made.append(NftablesDriver(settings))
    if "bridge" in settings.drivers:
        made.append(BridgeDriver(settings))
    return made


def _impostors(plan: Plan, own: Container[bytes]) -> list[tuple[str, bytes]]:
    """Terminals that call themselves by an address of this machine, whose frames would all go to them."""
    return [(port.name, mac) for port in plan for mac in port.terminals if mac in own]


def _said(impostors: Sequence[tuple[str, bytes]]) -> str:
    name, mac = impostors[0]
    return f"{name}: {mac_address.plain(mac)} is an address of this machine: not let in"
