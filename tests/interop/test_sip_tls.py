"""SIP over TLS: what it is worth to a room, whom it believes, and a certificate that is renewed under way."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import serialization

from crypto.ca import PrivateCa, ServerCertificate
from crypto.certificates import read_key
from crypto.keys import MasterKey
from tests.interop import own_caller
from tests.interop.baresip import Baresip
from tests.interop.linphone import Linphone
from tests.interop.media import BLUE, GREEN, RED, YELLOW, Person
from tests.interop.namespace import OTHER_TERMINAL, TERMINAL
from tests.interop.namespace import SERVER as ADDRESS
from tests.interop.process import said_by
from tests.interop.server import GUEST_PASSCODE, Administrator, Server
from tests.interop.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TLS_PORT = 5061
OPEN = {"passcodes": False, "no_guest_passcode": True, "no_host_passcode": True}
ROOMS: dict[str, dict[str, Any]] = {
    "1001": {"encryption": "authenticated"},
    "1002": {"encryption": "authenticated", **OPEN},
}


@dataclass
class Clinic:
    server: Server
    administrator: Administrator

    @property
    def authority(self) -> Path:
        """What users import once."""
        return self.server.folder / "data" / "tls" / "ca.pem"

    async def people(self, room: str) -> dict[str, dict[str, Any]]:
        rooms = (await self.administrator.call("GET", "/conferences"))["conferences"]
        return {one["name"]: one for found in rooms if found["number"] == room for one in found["participants"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clinic(tmp_path_factory) -> AsyncIterator[Clinic]:
    server = await Server(tmp_path_factory.mktemp("server")).start(ROOMS)
    administrator = await server.administrator()
    yield Clinic(server, administrator)
    await administrator.close()
    await server.stop()
    assert "Traceback" not in server.log(), server.log()[-4000:]
    assert GUEST_PASSCODE not in server.log()


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Path:
    """The certificate of an authority that has signed nothing here."""
    return authority_in(tmp_path_factory.mktemp("stranger"))[0].certificate_path


@pytest_asyncio.fixture(loop_scope="module")
async def cleaning() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


def authority_in(folder: Path) -> tuple[PrivateCa, ServerCertificate]:
    authority = PrivateCa(folder, MasterKey(bytes(32)))
    return authority, authority.ensure((), (ADDRESS,), now=datetime.now(UTC))


async def terminal(cleaning: AsyncExitStack, person: Person, folder: Path, **wishes: Any) -> Baresip:
    number = [RED, GREEN].index(person)
    address = (TERMINAL, OTHER_TERMINAL)[number]
    made = await Baresip(
        person, folder / person.name, address, 15_060 + 10 * number, 14_461 + number, 20_000 + 1000 * number, **wishes
    ).start()
    cleaning.push_async_callback(made.stop)
    return made


async def openssl(*options: str) -> tuple[int, str]:
    """`openssl s_client`, which says good-bye at once; its exit status and what it saw."""
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", f"{ADDRESS}:{TLS_PORT}", "-verify_return_error", "-verify_ip", ADDRESS,
        *options, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await said_by(process, 20)
    return process.returncode or 0, output.decode(errors="replace")


async def test_sdes_and_dtls_over_tls_are_authenticated(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip")
    red = await terminal(cleaning, RED, tmp_path, transport="tls")
    green = await terminal(cleaning, GREEN, tmp_path, transport="tls", encryption="dtls_srtp")
    for who in (red, green):
        event = await who.dial(f"sip:1001**{GUEST_PASSCODE}@{ADDRESS};transport=tls")
        assert event["type"] == "CALL_ESTABLISHED", who.log()[-3000:]

    async def hear_each_other() -> object:
        heard = (await red.hears(), await green.hears())
        return heard == ({"green"}, {"red"}) or heard

    await until("they hear each other", hear_each_other)
    people = await clinic.people("1001")
    assert {name: one["grade"] for name, one in people.items()} == {"red": "authenticated", "green": "authenticated"}
    # Hold goes over the same connection, and so does a BYE of ours.
    await red.command("hold")

    async def is_held() -> object:
        codecs = (await clinic.people("1001"))["red"]["codecs"]
        return codecs == [] or codecs

    await until("red is on hold", is_held)
    await clinic.administrator.call("DELETE", f"/conferences/1001/participants/{people['green']['id']}")
    await green.wait_for(lambda event: event["type"] == "CALL_CLOSED")
    assert 'drumtower_sip_open{kind="connections"} 2.0' in await clinic.server.metrics()
    await red.command("hangup")

    async def are_gone() -> object:
        left = await clinic.people("1001")
        return left == {} or left

    await until("both are gone", are_gone)


async def test_the_same_keys_in_clear_are_not_good_enough(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, needs
):
    needs("baresip")
    red = await terminal(cleaning, RED, tmp_path)
    for user in ("1002", f"1001**{GUEST_PASSCODE}"):  # keys in clear; a passcode in clear
        red.events.clear()
        event = await red.dial(f"sip:{user}@{ADDRESS}")
        assert (event["type"], event["param"][:3]) == ("CALL_CLOSED", "488"), event
    red.events.clear()
    event = await red.dial(f"sip:1002@{ADDRESS};transport=tls")
    assert event["type"] == "CALL_ESTABLISHED", red.log()[-3000:]


async def test_a_terminal_that_verifies_believes_our_authority_and_no_other(
    clinic: Clinic, cleaning: AsyncExitStack, tmp_path: Path, stranger: Path, needs
):
    needs("linphonec")
    deceived = await Linphone(BLUE, tmp_path / "blue", TERMINAL, 15_290, authority=stranger).start()
    cleaning.push_async_callback(deceived.stop)
    failed_before = await counted(clinic, "tls-accept-failed")
    await deceived.dial(f"sip:1002@{ADDRESS};transport=tls")

    async def is_refused() -> object:
        return await counted(clinic, "tls-accept-failed") > failed_before

    await until("linphone refuses the server", is_refused)
    assert "blue" not in await clinic.people("1002")

    believing = await Linphone(YELLOW, tmp_path / "yellow", OTHER_TERMINAL, 15_300, authority=clinic.authority).start()
    cleaning.push_async_callback(believing.stop)
    await believing.dial(f"sip:1002@{ADDRESS};transport=tls")

    async def is_in() -> object:
        people = await clinic.people("1002")
        return people.get("yellow", {}).get("grade") == "authenticated" or (people, believing.log()[-500:])

    await until("linphone is in", is_in)


async def counted(clinic: Clinic, event: str) -> float:
    found = re.search(rf'^drumtower_sip_total{{event="{event}"}} (\S+)$', await clinic.server.metrics(), re.MULTILINE)
    return float(found[1]) if found else 0.0


async def test_our_own_caller_verifies_too(clinic: Clinic, tmp_path: Path, stranger: Path):
    def dialled(folder: str, authority: Path, *more: str) -> Any:
        options = ("--transport", "tls", "--authority", str(authority), *more)
        return own_caller.call(BLUE, tmp_path / folder, *options, passcode=GUEST_PASSCODE, seconds=1.5)

    good, bad = await asyncio.gather(dialled("good", clinic.authority), dialled("bad", stranger))
    assert (good.status, good.report["outcome"]) == (0, "ok"), good.report
    assert (bad.status, bad.report["status"]) == (1, 503), bad.report


async def test_openssl_sees_tls_1_2_and_later_and_a_certificate_that_names_us(clinic: Clinic, stranger: Path, needs):
    needs("openssl")
    trusted = ("-CAfile", str(clinic.authority))
    for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
        status, output = await openssl(*trusted, option)
        assert status == 0, output
        assert version in output
        assert "Verify return code: 0 (ok)" in output
    assert (await openssl(*trusted, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))[0] != 0
    assert (await openssl("-CAfile", str(stranger)))[0] != 0
    assert (await openssl(*trusted, "-verify_ip", "10.77.0.99"))[0] != 0


async def test_an_imported_certificate_is_shown_without_a_restart(clinic: Clinic, tmp_path: Path, needs):
    needs("openssl")
    hospital, issued = authority_in(tmp_path / "hospital")
    key = tmp_path / "key.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(read_key(issued.key, issued.password).private_bytes(*form))
    trusted = ("-CAfile", str(hospital.certificate_path))
    assert (await openssl(*trusted))[0] != 0
    clinic.server.run("certificate", "import", str(issued.certificate), "--key", str(key))
    clinic.server.process.send_signal(signal.SIGHUP)

    async def is_shown() -> object:
        status, output = await openssl(*trusted)
        return status == 0 or output

    await until("the new certificate is shown", is_shown)
    # The portal shows it, too.
    trust = ssl.create_default_context(cafile=str(hospital.certificate_path))
    _, writer = await asyncio.open_connection(ADDRESS, 8443, ssl=trust)
    writer.close()
