"""The accounting listener on a socket of its own: a packet in, a session in the directory, an answer out."""

import asyncio
import socket
from pathlib import Path

from auth8021x.accounting.udp import AccountingSockets, server
from auth8021x.directory.report import Report
from auth8021x.wire import packet
from auth8021x.wire.authenticity import check_response
from auth8021x.wire.dictionary import Code
from config.dot1x import Dot1xSettings
from config.dot1x_sites import AccountingClientSettings, ListenerSettings, SiteSettings
from tests.auth8021x.accounting.packets import SECRET, huawei, request


class Reports:
    def __init__(self) -> None:
        self.taken: list[Report] = []
        self.refused = asyncio.Event()

    def report(self, report: Report) -> bool:
        """Room comes after the first."""
        if not self.refused.is_set():
            self.refused.set()
            return False
        self.taken.append(report)
        return True


async def test_a_packet_is_taken_and_answered(tmp_path: Path):
    file = tmp_path / "secret"
    file.touch(0o600)
    file.write_bytes(SECRET + b"\n")
    client = AccountingClientSettings("core", ("127.0.0.0/8",), "north", str(file))
    settings = Dot1xSettings(
        sites=(SiteSettings("north", ("10.0.0.0/8",)),),
        listener=ListenerSettings(("127.0.0.1",), 0, (client,)),
    )
    reports = Reports()
    sockets = AccountingSockets(server(settings), reports, settings)
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as switch:
        switch.setblocking(False)
        switch.connect(("127.0.0.1", sockets.ports[0]))
        asked = request(*huawei())
        async with asyncio.timeout(5):
            await loop.sock_sendall(switch, asked)
            await reports.refused.wait()
            await loop.sock_sendall(switch, asked)
            reply = packet.parse(await loop.sock_recv(switch, 4096))
    assert reply.code == Code.ACCOUNTING_RESPONSE
    assert check_response(reply, packet.parse(asked).authenticator, SECRET) is None
    assert [(each.site, each.addresses) for each in reports.taken] == [("north", ("10.1.2.3",))]
    sockets.close()
    assert sockets.ports == []
