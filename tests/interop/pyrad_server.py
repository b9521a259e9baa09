"""pyrad as a peer of our client: `python -m tests.interop.pyrad_server FOLDER`; the ports are the usual ones."""

from __future__ import annotations

import sys
from pathlib import Path

from pyrad import dictionary, packet, server

SECRET = b"between us and pyrad"
_DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 octets
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Service-Type 6 integer
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Called-Station-Id 30 string
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Delay-Time 41 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Event-Timestamp 55 integer
ATTRIBUTE EAP-Message 79 octets
ATTRIBUTE Message-Authenticator 80 octets
ATTRIBUTE Tunnel-Private-Group-Id 81 octets
ATTRIBUTE Error-Cause 101 integer
"""


class Peer(server.Server):
    """Lets "vt1" in with its password, takes all accounting, ends and changes the sessions of "vt1"."""

    def HandleAuthPacket(self, pkt):
        is_right = pkt["User-Name"] == ["vt1"] and pkt.PwDecrypt(pkt["User-Password"][0]) == "vtpass1"
        reply = self.CreateReplyPacket(pkt, **({"Class": b"pyrad"} if is_right else {}))
        reply.code = packet.AccessAccept if is_right else packet.AccessReject
        self.SendReplyPacket(pkt.fd, reply)

    def HandleAcctPacket(self, pkt):
        self.SendReplyPacket(pkt.fd, self.CreateReplyPacket(pkt))

    def HandleDisconnectPacket(self, pkt):
        self._order(pkt, packet.DisconnectACK, packet.DisconnectNAK)

    def HandleCoaPacket(self, pkt):
        if _is_vt1(pkt):
            assert pkt["Tunnel-Private-Group-Id"] == [b"43"]
        self._order(pkt, packet.CoAACK, packet.CoANAK)

    def _order(self, pkt, done, refused):
        assert pkt.verify_message_authenticator()
        is_here = _is_vt1(pkt)
        reply = self.CreateReplyPacket(pkt, **({} if is_here else {"Error-Cause": 503}))
        reply.code = done if is_here else refused
        self.SendReplyPacket(pkt.fd, reply)


def _is_vt1(pkt) -> bool:
    return "User-Name" in pkt and pkt["User-Name"] == ["vt1"]


def main(folder: Path) -> None:
    (folder / "dictionary").write_text(_DICTIONARY)
    hosts = {"127.0.0.1": server.RemoteHost("127.0.0.1", SECRET, "us")}
    known = dictionary.Dictionary(str(folder / "dictionary"))
    Peer(["127.0.0.1"], hosts=hosts, dict=known, coa_enabled=True, enforce_ma=True).Run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
