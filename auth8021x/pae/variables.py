"""Variables that the machines of one supplicant share (IEEE 802.1X-2004 8.2.2, RFC 4137 5.1), named as there."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum, auto

from auth8021x.wire.eap import Eap
from config.dot1x import PaeSettings


class PortControl(Enum):
    """AuthControlledPortControl (8.2.2.2 f)."""

    AUTO = auto()
    FORCE_AUTHORIZED = auto()
    FORCE_UNAUTHORIZED = auto()


@dataclass(slots=True)
class Variables:
    """One set a supplicant. The standard's timers count down; here each is the time at which it is 0."""

    settings: PaeSettings
    now: float
    identifier: int
    """currentId of RFC 4137 5.1.3: of the EAP request that is out."""

    # Timers (8.2.2.1, RFC 4137 5.1.1)
    a_while: float = math.inf
    quiet_while: float = math.inf
    re_auth_when: float = math.inf
    retrans_while: float = math.inf

    # Global variables (8.2.2.2)
    initialize: bool = True
    port_control: PortControl = PortControl.AUTO
    port_enabled: bool = False
    port_valid: bool = True
    """Without keys a port is always valid (8.2.2.2 n)."""
    is_authorized: bool = False
    """authPortStatus."""
    auth_abort: bool = False
    auth_fail: bool = False
    auth_start: bool = False
    auth_success: bool = False
    auth_timeout: bool = False
    eapol_eap: bool = False
    eapol_logoff: bool = False
    eapol_start: bool = False
    re_authenticate: bool = False
    re_auth_enabled: bool = False
    re_auth_period: float = math.inf
    re_auth_count: int = 0

    # Between EAPOL and EAP (8.2.2.2, RFC 4137 5.1)
    eap_restart: bool = False
    eap_req: bool = False
    eap_no_req: bool = False
    eap_resp: bool = False
    eap_success: bool = False
    eap_fail: bool = False
    eap_timeout: bool = False
    eap_req_data: Eap | None = None
    eap_resp_data: Eap | None = None

    # Our own
    keeps_session: bool = False
    """No RADIUS server answers, and the session goes on by policy (`without_server`)."""
    gave_up: bool = False
    """The supplicant was asked re_auth_max times."""
    has_spoken: bool = False
    """The supplicant has answered since the last restart."""
    out: list[Eap] = field(default_factory=list)
    """EAP packets to the supplicant, in their order."""

    def tx_req(self) -> None:
        """TxReq (8.2.9.1.3): the packet of EAP goes out as it is."""
        if self.eap_req_data is not None:
            self.out.append(self.eap_req_data)
