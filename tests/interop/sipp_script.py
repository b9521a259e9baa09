"""Scenarios of sipp in which messages are written out: what sipp.Scenario has no word for."""

from __future__ import annotations

from tests.interop.sipp import OFFER

_TO, _FROM = "<sip:1001@[remote_ip]:[remote_port]>", "<sip:sipp@[local_ip]:[local_port]>;tag=[pid]c[call_number]"
_KEPT = (("Via:", "via"), ("From:", "from"), ("To:", "to"), ("CSeq:", "cseq"))


class Script:
    """One call, step by step; `has` are patterns that a message has to match."""

    def __init__(self) -> None:
        self._steps: list[str] = []
        self._names: list[str] = []
        self._places: dict[str, int] = {}

    # ---- the caller's side --------------------------------------------------------------------------------------

    def request(
        self, method: str, cseq: int, *fields: str, body: str = "", branch_of: str = "", name: str = ""
    ) -> Script:
        """A request to the server, within the dialog once it has a tag; an ACK may need the branch of its INVITE."""
        at = len(self._steps)
        self._places[name] = at
        branch = f"[branch-{at - self._places[branch_of]}]" if branch_of else "[branch]"
        is_first = method == "INVITE" and 'response="200"' not in "".join(self._steps)
        uri = "sip:1001@[remote_ip]:[remote_port]"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={branch}",
            f"From: {_FROM}",
            f"To: {_TO}" + ("" if is_first else "[peer_tag_param]"),
            *self._common(cseq, method, fields),
        ]
        return self._send(lines, body, retransmits=method != "ACK")

    # ---- the callee's side --------------------------------------------------------------------------------------

    def keeps(self, method: str, *has: str) -> Script:
        """A request that is answered later, when others have come since: reply(to_kept=True)."""
        actions = [
            f'<ereg regexp=".*" search_in="hdr" header="{header}" assign_to="{self._name(name)}"/>'
            for header, name in _KEPT
        ]
        return self._receive(f'request="{method}"', has, actions)

    def reply(self, status: str, *fields: str, body: str = "", tag: str = "", to_kept: bool = False) -> Script:
        """A response to the last request, or to the one that was kept; `tag` is added to its To."""
        suffix = f";tag={tag}" if tag else ""
        if to_kept:
            lines = ["Via:[$via]", "From:[$from]", f"To:[$to]{suffix}", "Call-ID: [call_id]", "CSeq:[$cseq]"]
        else:
            lines = ["[last_Via:]", "[last_From:]", f"[last_To:]{suffix}", "[last_Call-ID:]", "[last_CSeq:]"]
        contact = "Contact: <sip:sipp@[local_ip]:[local_port]>"
        return self._send([f"SIP/2.0 {status}", *lines, contact, *fields], body)

    def callee_request(self, method: str, cseq: int, tag: str, *fields: str, body: str = "") -> Script:
        """A request of the callee, in the dialog that its `tag` makes with the kept INVITE."""
        lines = [
            f"{method} sip:caller@[remote_ip]:[remote_port] SIP/2.0",
            "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
            f"From:[$to];tag={tag}",
            "To:[$from]",
            *self._common(cseq, method, fields),
        ]
        return self._send(lines, body, retransmits=True)

    # ---- both ---------------------------------------------------------------------------------------------------

    def gets(self, message: int | str, *has: str, keep: tuple[str, str] | None = None, may: bool = False) -> Script:
        """A status or a request; `keep` is a header and a name for its value. `may`: it need not come."""
        kind = f'response="{message}"' if isinstance(message, int) else f'request="{message}"'
        actions = []
        if keep:
            actions = [f'<ereg regexp="[^ ].*" search_in="hdr" header="{keep[0]}:" assign_to="{self._name(keep[1])}"/>']
        return self._receive(kind + (' optional="true"' if may else ""), has, actions)

    def pause(self, milliseconds: int) -> Script:
        """Do nothing."""
        self._steps.append(f'<pause milliseconds="{milliseconds}"/>')
        return self

    def xml(self) -> str:
        """For sipp."""
        used = f'<Reference variables="{",".join(dict.fromkeys(self._names))}"/>' if self._names else ""
        body = "\n".join(self._steps)
        return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="script">\n{body}\n{used}\n</scenario>\n'

    def _common(self, cseq: int, method: str, fields: tuple[str, ...]) -> list[str]:
        contact = "Contact: <sip:sipp@[local_ip]:[local_port]>"
        return ["Call-ID: [call_id]", f"CSeq: {cseq} {method}", contact, "Max-Forwards: 70", *fields]

    def _name(self, name: str) -> str:
        self._names.append(name)
        return name

    def _send(self, lines: list[str], body: str, *, retransmits: bool = False) -> Script:
        content = f"Content-Type: application/sdp\nContent-Length: [len]\n\n{body}" if body else "Content-Length: 0\n\n"
        text = "\n".join(lines)
        repeated = ' retrans="500"' if retransmits else ""
        self._steps.append(f"<send{repeated}><![CDATA[\n\n{text}\n{content}]]></send>")
        return self

    def _receive(self, kind: str, has: tuple[str, ...], actions: list[str]) -> Script:
        for pattern in has:
            actions.append(
                f'<ereg regexp="{pattern}" search_in="msg" check_it="true" assign_to="{self._name("found")}"/>'
            )
        inner = f"<action>{''.join(actions)}</action>" if actions else ""
        self._steps.append(f"<recv {kind}>{inner}</recv>")
        return self


def call_of(*fields: str) -> Script:
    """The INVITE of a caller, numbered 1."""
    return Script().request("INVITE", 1, *fields, body=OFFER, name="invite").gets(100, may=True)
