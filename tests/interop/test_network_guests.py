"""Who speaks no 802.1X is in the network of guests: it reaches the server, and no room."""

from __future__ import annotations

from pathlib import Path

from tests.interop.guarded_ward import number, ward
from tests.interop.media import RED, YELLOW
from tests.interop.waiting import until


async def test_a_guest_is_told_why_it_is_not_admitted(tmp_path: Path, needs):
    needs("baresip", "bridge", "ip", "nft", "nsenter", "unshare", "wpa_supplicant")
    async with ward(tmp_path, has_guests=True) as house:
        place = house.places["yellow"]

        async with house.telephone(YELLOW) as phone:
            await phone.command("dial", number("1001"))  # its first word (ARP)
            await until("yellow is a guest", lambda: is_guest(house, place.mac))
            phone.events.clear()
            event = await phone.dial(number("1001"))
            assert (event["type"], event["param"]) == ("CALL_CLOSED", "403 Not authenticated on the network"), event
            await house.audited(f"source={place.address} protocol=sip operation=call alias='yellow'", "refused: guest")

        async with house.authenticated(RED), house.telephone(RED) as red:
            assert (await red.dial(number("1001")))["type"] == "CALL_ESTABLISHED", red.log()[-3000:]
        assert "Traceback" not in house.hall.server.log()


async def is_guest(house, mac: str) -> object:
    found = (await house.hall.administrator.call("GET", "/network"))["sessions"]
    return [each["entry"] for each in found if each["mac"] == mac] == ["guest"] or found
