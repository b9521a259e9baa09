"""A ward whose wall sockets are ports of ours: `drumtower serve` with all of 802.1X, a bridge, and terminals."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from playwright.async_api import async_playwright

from config.dot1x_enforcement import Driver
from tests.interop.baresip import Baresip
from tests.interop.echo import Echo, udp
from tests.interop.hall import Hall
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.server import GUEST_PASSCODE, TERMINAL_SECRET, Server
from tests.interop.supplicant import Supplicant, Trust, password_network, tls_network
from tests.interop.test_radius_peers import radclient, stamped
from tests.interop.waiting import until
from tests.interop.wired_place import GATEWAY_MAC, Place, ip

BRIDGE, GUEST_BRIDGE = "wardbr", "guestbr"
WARD, OPEN, GUESTS = "10.88.0", "10.89.0", "10.90.0"
"""Networks, without their last number; the server has 1 in each. In the open one nobody is asked who he is."""
PEOPLE: Final = (RED, GREEN, BLUE, YELLOW)
"""Each has a port of the ward and is a user there; green has a certificate, the others have passwords."""
CART = "cart7"
"""A registered terminal, which blue's device may call itself by."""
DROP_AFTER_S = 2
_PASSWORD = "lantern-over-9-waters"
_RADIUS_NAME = "radius.drumtower"
_MD5_ONLY = {"DRUMTOWER_SIP_DIGEST_ALGORITHMS": "MD5", "DRUMTOWER_REGISTRAR_MIN_EXPIRES_S": "5"}
"""What baresip 1.0.0 knows."""
_SETTINGS = """
[[dot1x.servers]]
name = "own"
address = "127.0.0.1"
accounting_port = 0
secret_file = "{folder}/radius.secret"

[dot1x.eap_server]
methods = ["tls", "peap"]

[[dot1x.eap_server.clients]]
name = "our-ports"
networks = ["127.0.0.1"]
secret_file = "{folder}/radius.secret"

[dot1x.dynamic]
listen = ["127.0.0.1"]

[[dot1x.dynamic.clients]]
name = "policy"
address = "127.0.0.1"
secret_file = "{folder}/policy.secret"

[dot1x.enforcement]
drivers = {drivers}
timeout_s = {timeout_s}

[[dot1x.sites]]
name = "ward"
networks = ["{ward}.0/24", "{guests}.0/24"]
mode = "enforce"

[[dot1x.sites.devices]]
identity = "{blue}"
aliases = ["{cart}"]

[[dot1x.sites]]
name = "open"
networks = ["{open}.0/24"]
mode = "enforce"

[dot1x.gate]
drop_after_s = {drop_after_s}
"""
_PORT = """
[[dot1x.enforcement.ports]]
interface = "{wire}"
bridge = "{bridge}"
site = "ward"
"""
_PAE = "\n[dot1x.pae]\nquiet_period_s = 1\n"
_WITH_GUESTS = f"""
[dot1x.pae]
quiet_period_s = 1
guest = "silent"
guest_network = "guests"
request_timeout_s = 0.5
max_requests = 2
re_auth_max = 1

[[dot1x.enforcement.networks]]
vlan = "guests"
bridge = "{GUEST_BRIDGE}"
"""


class Ward:
    """The server, and who stands where; places have the names of their people, and there is `open`."""

    def __init__(self, hall: Hall, places: Mapping[str, Place]) -> None:
        self.hall = hall
        self.places = places
        self._folders = itertools.count(1)

    # ---- terminals

    @asynccontextmanager
    async def authenticated(self, person: Person) -> AsyncIterator[Supplicant]:
        """The device of this person is let in by 802.1X; at the end its plug is pulled."""
        place = self.places[person.name]
        supplicant = self.supplicant(person)
        try:
            await until(f"{person.name} is let in", lambda: self._has_session(person, True, supplicant))
            yield supplicant
        finally:
            supplicant.stop()
            place.plug(False)
            await self.until_out(person)
            place.plug(True)

    def supplicant(self, person: Person, *, identity: str = "", password: str = _PASSWORD) -> Supplicant:
        """wpa_supplicant at this person's port."""
        certificates = self.hall.server.folder / "data" / "dot1x"
        trust = Trust(certificates / "ca.pem", _RADIUS_NAME)
        name = identity or person.name
        if name == GREEN.name:
            network = tls_network(name, certificates / name, trust)
        else:
            network = password_network("PEAP", password, trust, name)
        return Supplicant(self._folder(f"wpa-{name}"), network, "eth0", self.places[person.name].prefix)

    @asynccontextmanager
    async def telephone(
        self, person: Person, *, at: str = "", address: str = "", account: str = ""
    ) -> AsyncIterator[Baresip]:
        """baresip as this person, at its port or in another place, with the address of that place or another one."""
        place = self.places[at or person.name]
        made = await Baresip(
            person, self._folder(person.name), address or place.address, 15_060, 14_461, 20_000, video="",
            account=account, place=place,
        ).start()  # fmt: skip
        try:
            yield made
        finally:
            await made.stop()

    @contextmanager
    def echo(self, person: Person) -> Iterator[Echo]:
        """Between this person's device, which knows its neighbour's address, and the server's machine."""
        place = self.places[person.name]
        neighbour = f"{place.address} lladdr {place.mac} dev {BRIDGE}"
        with place.knowing_its_gateway():
            ip(f"neigh replace {neighbour} nud permanent")
            with closing(Echo(place.made(partial(udp, place.address)), udp(f"{WARD}.1"))) as made:
                yield made
            ip(f"neigh del {neighbour}")

    async def until_out(self, person: Person) -> None:
        """Wait until the device has no session."""
        await until(f"{person.name} is out", lambda: self._has_session(person, False), every_s=0.05)

    async def session(self, person: Person) -> dict[str, Any] | None:
        """Of this person's device, as the portal shows it."""
        mac = self.places[person.name].mac
        found = (await self.hall.administrator.call("GET", "/network"))["sessions"]
        return next((each for each in found if each["mac"] == mac), None)

    async def disconnect(self, person: Person) -> str:
        """radclient sends a Disconnect-Request; what it says."""
        mac = self.places[person.name].mac
        secret = (self.hall.folder / "policy.secret").read_text().strip()
        lines = stamped(f'User-Name = "{person.name}"\nCalling-Station-Id = "{mac.replace(":", "-")}"')
        return await radclient(self.hall.folder, "disconnect", lines, secret)

    # ---- calls

    async def people(self, room: str) -> dict[str, Any]:
        """Ids by name of those in a room; none where it is empty."""
        rooms = (await self.hall.administrator.call("GET", "/conferences"))["conferences"]
        return {one["name"]: one["id"] for each in rooms if each["number"] == room for one in each["participants"]}

    async def until_in_room(self, room: str, *people: Person, timeout_s: float = 20.0) -> None:
        """Wait until just these are there."""

        async def are_there() -> object:
            found = await self.people(room)
            return set(found) == {person.name for person in people} or found

        await until(f"in {room}: {[person.name for person in people]}", are_there, timeout_s)

    async def contacts(self) -> list[dict[str, Any]]:
        """Where the cart is registered."""
        found = (await self.hall.administrator.call("GET", "/terminals"))["terminals"]
        contacts: list[dict[str, Any]] = next(each["contacts"] for each in found if each["alias"] == CART)
        return contacts

    async def audited(self, *words: str) -> None:
        """Wait for a line of the audit with all of these."""

        async def is_written() -> object:
            return bool(self.audit(*words)) or self.audit()[-5:]

        await until(f"the audit has {words}", is_written, 5)

    def audit(self, *words: str) -> list[str]:
        """Lines of the audit with all of these."""
        lines = self.hall.server.log().splitlines()
        return [line for line in lines if " audit.dot1x: " in line and all(word in line for word in words)]

    async def _has_session(self, person: Person, wanted: bool, supplicant: Supplicant | None = None) -> object:
        found = await self.session(person)
        return (found is not None) == wanted or (supplicant.log()[-1500:] if supplicant is not None else found)

    def _folder(self, name: str) -> Path:
        return self.hall.folder / f"{name}-{next(self._folders)}"


def number(room: str) -> str:
    """What a terminal dials."""
    return f"sip:{room}**{GUEST_PASSCODE}@10.77.0.1"


def account() -> str:
    """Of the cart, for baresip."""
    return f"<sip:{CART}@10.77.0.1>;auth_pass={TERMINAL_SECRET};regint=60"


@asynccontextmanager
async def ward(
    folder: Path, rooms: Mapping[str, dict[str, Any]] = MappingProxyType({"1001": {}}), *, has_guests: bool = False,
    drivers: Sequence[Driver] = ("bridge", "nftables"), timeout_s: int = 15,
) -> AsyncIterator[Ward]:  # fmt: skip
    """All of it. With guests yellow's device has an address of their network.

    `timeout_s`: who is in is out after it (nftables), unless the server says it again.
    """
    async with AsyncExitStack() as cleaning:
        places = cleaning.enter_context(_wires(has_guests))
        server = Server(
            folder / "server", _settings(folder, has_guests, drivers, timeout_s), dict(_MD5_ONLY), _preparation(folder)
        )
        await server.start(dict(rooms), {CART: "Cart 7"})
        cleaning.push_async_callback(server.stop)
        administrator = await server.administrator()
        cleaning.push_async_callback(administrator.close)
        playwright = await cleaning.enter_async_context(async_playwright())
        # A change by the portal is known at once, and everything else with it.
        await administrator.call("PATCH", f"/terminals/{CART}", {"site": "Mobile"})
        yield Ward(Hall(server, administrator, playwright, folder, cleaning), places)


@contextmanager
def _wires(has_guests: bool) -> Iterator[dict[str, Place]]:
    places: dict[str, Place] = {}
    bridges = [(BRIDGE, WARD), *([(GUEST_BRIDGE, GUESTS)] if has_guests else [])]
    try:
        for bridge, network in bridges:
            ip(f"link add {bridge} address {GATEWAY_MAC} type bridge")
            ip(f"link set {bridge} addrgenmode none")
            ip(f"addr add {network}.1/24 dev {bridge}")
            ip(f"link set {bridge} up")
        for place, person in enumerate(PEOPLE, 1):
            network = GUESTS if has_guests and person is YELLOW else WARD
            made = places[person.name] = Place(f"ward{place}", f"{network}.{10 + place}", f"02:00:00:c0:00:0{place}")
            ip(f"link set {made.wire} master {BRIDGE}")
        places["open"] = Place("open0", f"{OPEN}.2", "02:00:00:c0:00:09")
        ip(f"addr add {OPEN}.1/24 dev open0")
        yield places
    finally:
        for made in places.values():
            ip(f"link del {made.wire}")
            made.close()
        for bridge, _ in bridges:
            ip(f"link del {bridge}")
        subprocess.run(["nft", "delete table bridge drumtower"], capture_output=True, check=False)


def _settings(folder: Path, has_guests: bool, drivers: Sequence[Driver], timeout_s: int) -> str:
    text = _SETTINGS.format(
        folder=folder, ward=WARD, open=OPEN, guests=GUESTS, blue=BLUE.name, cart=CART, drop_after_s=DROP_AFTER_S,
        drivers=json.dumps(drivers), timeout_s=timeout_s,
    )  # fmt: skip
    ports = [_PORT.format(wire=f"ward{place}", bridge=BRIDGE) for place, _ in enumerate(PEOPLE, 1)]
    return text + "".join(ports) + (_WITH_GUESTS if has_guests else _PAE)


def _preparation(folder: Path) -> tuple[tuple[str, ...], ...]:
    """What an administrator types before the first start."""
    password = folder / "dot1x-password"
    password.write_text(_PASSWORD + "\n")
    with_password = [person.name for person in PEOPLE if person is not GREEN]
    return (
        ("dot1x", "secret", str(folder / "radius.secret")),
        ("dot1x", "secret", str(folder / "policy.secret")),
        ("dot1x", "certificates", "--client", GREEN.name),
        ("dot1x", "add", GREEN.name),
        *(("dot1x", "add", name, "--password-file", str(password)) for name in with_password),
    )
