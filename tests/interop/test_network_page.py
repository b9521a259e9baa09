"""What people are shown of the ports that `drumtower serve` runs: by the console, the API, metrics and commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.interop.guarded_ward import Ward, ward
from tests.interop.media import BLUE, GREEN, RED, Person
from tests.interop.test_portal import Console
from tests.interop.waiting import until, until_holds
from tests.peers import needs_programs

SERVER_NAME = "radius.drumtower"


@pytest.fixture(autouse=True)
def _programs() -> None:
    needs_programs("bridge", "chromium", "ip", "nft", "nsenter", "unshare", "wpa_cli", "wpa_supplicant")


async def shown(made: Ward, person: Person) -> dict[str, Any]:
    """The port of this person, and who is there."""
    place = made.places[person.name]
    ports = (await made.hall.administrator.call("GET", "/network"))["ports"]
    (port,) = (each for each in ports if each["name"] == place.wire)
    terminals = [each for each in port["terminals"] if each["mac"] == place.mac]
    return {**port, **(terminals[0] if terminals else {})}


async def until_shown(made: Ward, person: Person, **wanted: object) -> dict[str, Any]:
    """Wait until the port shows this."""
    found: dict[str, Any] = {}

    async def is_shown() -> object:
        found.update(await shown(made, person))
        return all(found.get(key) == value for key, value in wanted.items()) or found

    await until(f"{person.name}: {wanted}", is_shown)
    return found


async def try_logins(made: Ward) -> None:
    """`test-user` and `status` while the server runs."""
    server, folder = made.hall.server, made.hall.folder
    trust = ("--ca", str(server.folder / "data" / "dot1x" / "ca.pem"), "--server-name", SERVER_NAME)
    right, wrong = folder / "dot1x-password", folder / "guess"
    wrong.write_text("not the password\n")
    good = server.run("dot1x", "test-user", RED.name, *trust, "--password-file", str(right))
    assert f"{RED.name}: let in by own (PEAP" in good.stdout
    assert "that of the port" in good.stdout
    bad = server.run("dot1x", "test-user", RED.name, *trust, "--password-file", str(wrong), check=False)
    assert (bad.returncode, "own refused" in bad.stderr) == (1, True), bad.stderr
    certificate = server.folder / "data" / "dot1x" / f"{GREEN.name}.pem"
    assert (
        "let in by own (EAP-TLS"
        in server.run("dot1x", "test-user", GREEN.name, *trust, "--certificate", str(certificate)).stdout
    )
    status = server.run("dot1x", "status").stdout
    assert "own ports: 4, bridge, nftables; 1 sessions" in status
    assert "authentication answers in" in status
    told = ""

    async def is_told() -> object:
        """The server writes it down within seconds."""
        nonlocal told
        told = server.run("dot1x", "status").stdout
        return (f"{made.places[BLUE.name].mac}  {BLUE.name}" in told and "refused: wrong password" in told) or told

    await until("status tells who was refused", is_told)
    place = made.places[BLUE.name]
    audit = rf"audit\.dot1x.*site=ward port={place.wire} mac={place.mac} identity='\w+' refused: rejected"
    assert re.search(audit, server.log()), server.log()


async def test_who_is_at_which_port_and_why(tmp_path: Path, artifacts: Path) -> None:
    async with ward(tmp_path) as made:
        administrator = made.hall.administrator
        console = await Console.open(made.hall, "en")
        await console.sign_in()
        await console.page.get_by_role("link", name="Network").click()
        own = console.page.get_by_role("region", name="Our own ports")
        await expect(own).to_contain_text(re.compile("Nobody has shown up|Nothing is plugged in"))
        async with made.authenticated(RED) as supplicant:
            port = await until_shown(made, RED, standing="in", why="eap", identity=RED.name, is_up=True)
            assert (port["site"], port["bridge"], port["number"]) == ("ward", "wardbr", 1)
            await expect(own.get_by_role("row", name=RED.name)).to_contain_text("Signed in by 802.1X", timeout=3000)
            guesser = made.supplicant(BLUE, password="not the password")
            await until_shown(made, BLUE, standing="refused", why="rejected")
            await expect(own).to_contain_text("The RADIUS server refused it", timeout=3000)
            logins = console.page.get_by_role("region", name="Logins at our RADIUS server")
            refused = logins.get_by_role("row", name=made.places[BLUE.name].mac)
            await expect(refused).to_contain_text("Wrong password", timeout=3000)
            await expect(refused).to_contain_text(made.places[BLUE.name].wire)
            await expect(logins.get_by_role("row", name=made.places[RED.name].mac)).to_contain_text("Let in")
            servers = console.page.get_by_role("region", name="RADIUS servers")
            await expect(servers.get_by_role("row", name="own")).to_contain_text("In use")
            await console.page.screenshot(path=artifacts / "network.png", full_page=True)
            guesser.stop()
            await try_logins(made)
            metrics = await made.hall.server.metrics()
            for line in (
                'drumtower_dot1x_port_up{port="ward1"} 1.0',
                'drumtower_dot1x_port_terminals{port="ward1",state="in"} 1.0',
                'drumtower_radius_server_up{server="own"} 1.0',
            ):
                assert line in metrics
            mac, session = made.places[RED.name].mac, port["session"]
            await administrator.call("POST", f"/network/ports/{mac}/disconnect", {}, expect=204)
            # It logs no Failure after a success, but begins anew (tests/interop/test_ward_ends.py).
            await until_holds(lambda: supplicant.log().count("CTRL-EVENT-EAP-SUCCESS") == 2)
            again = await until_shown(made, RED, standing="in", identity=RED.name)
            assert again["session"] != session
        await expect(own.get_by_role("row", name=RED.name)).to_have_count(0, timeout=5000)
        assert console.failures == []
        assert "Traceback" not in made.hall.server.log()
