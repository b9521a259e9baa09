"""The figures of IEEE 802.1X-2004 8.2: one row an arrow, and no other arrows."""

import math

import pytest

from auth8021x.pae import auth_pae, be_auth, reauth_timer
from auth8021x.pae.auth_pae import AuthPae
from auth8021x.pae.be_auth import BackendAuth
from auth8021x.pae.reauth_timer import ReauthTimer
from auth8021x.pae.variables import PortControl, Variables
from auth8021x.wire import eap
from config.dot1x import PaeSettings
from tests.auth8021x.pae.stepping import step

SETTINGS = PaeSettings(quiet_period_s=0.5, re_auth_max=2, server_timeout_s=30)
P, B, R = auth_pae.State, be_auth.State, reauth_timer.State
FORCED, UNFORCED = PortControl.FORCE_AUTHORIZED, PortControl.FORCE_UNAUTHORIZED


def variables(**given: object) -> Variables:
    made = Variables(SETTINGS, 100.0, 7, initialize=False, port_enabled=True)
    for name, value in given.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


def pae(state: P, **given: object) -> tuple[AuthPae, Variables]:
    made = Variables(SETTINGS, 100.0, 7)
    machine = AuthPae(made)
    made.initialize, made.port_enabled = False, True
    machine.state = state
    if state is P.FORCE_AUTH or state is P.FORCE_UNAUTH:
        machine._port_mode = made.port_control = FORCED if state is P.FORCE_AUTH else UNFORCED
    for name, value in given.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return machine, made


ARROWS = [
    (P.INITIALIZE, {}, P.DISCONNECTED),
    (P.DISCONNECTED, {}, P.RESTART),
    (P.RESTART, {}, P.CONNECTING),
    (P.RESTART, {"eap_restart": True}, None),
    (P.CONNECTING, {}, None),
    (P.CONNECTING, {"eap_req": True, "re_auth_count": 2}, P.AUTHENTICATING),
    (P.CONNECTING, {"eap_req": True, "re_auth_count": 3}, P.DISCONNECTED),
    (P.CONNECTING, {"eap_success": True}, P.AUTHENTICATING),
    (P.CONNECTING, {"eap_fail": True}, P.AUTHENTICATING),
    (P.CONNECTING, {"eapol_logoff": True, "eap_req": True}, P.DISCONNECTED),
    (P.AUTHENTICATING, {}, None),
    (P.AUTHENTICATING, {"auth_success": True}, P.AUTHENTICATED),
    (P.AUTHENTICATING, {"auth_success": True, "port_valid": False}, None),
    (P.AUTHENTICATING, {"auth_fail": True}, P.HELD),
    (P.AUTHENTICATING, {"auth_timeout": True}, P.ABORTING),
    (P.AUTHENTICATING, {"eapol_start": True}, P.ABORTING),
    (P.AUTHENTICATING, {"eapol_logoff": True}, P.ABORTING),
    (P.AUTHENTICATED, {}, None),
    (P.AUTHENTICATED, {"eapol_start": True}, P.RESTART),
    (P.AUTHENTICATED, {"re_authenticate": True}, P.RESTART),
    (P.AUTHENTICATED, {"eapol_logoff": True}, P.DISCONNECTED),
    (P.AUTHENTICATED, {"port_valid": False}, P.DISCONNECTED),
    (P.ABORTING, {"auth_abort": True}, None),
    (P.ABORTING, {"eapol_logoff": True}, P.DISCONNECTED),
    (P.ABORTING, {}, P.RESTART),
    (P.ABORTING, {"keeps_session": True, "is_authorized": True}, P.AUTHENTICATED),
    (P.ABORTING, {"keeps_session": True}, P.RESTART),
    (P.HELD, {"quiet_while": 100.1}, None),
    (P.HELD, {"quiet_while": 100.1, "eapol_start": True}, None),
    (P.HELD, {"quiet_while": 100.0}, P.RESTART),
    (P.FORCE_AUTH, {}, None),
    (P.FORCE_AUTH, {"eapol_start": True}, P.FORCE_AUTH),
    (P.FORCE_UNAUTH, {}, None),
    (P.FORCE_UNAUTH, {"eapol_start": True}, P.FORCE_UNAUTH),
    *((state, {"initialize": True}, P.INITIALIZE) for state in P if state is not P.INITIALIZE),
    *((state, {"port_enabled": False}, P.INITIALIZE) for state in P if state is not P.INITIALIZE),
    (P.INITIALIZE, {"port_enabled": False}, None),
    (P.AUTHENTICATED, {"port_control": FORCED}, P.FORCE_AUTH),
    (P.AUTHENTICATED, {"port_control": UNFORCED}, P.FORCE_UNAUTH),
    (P.FORCE_AUTH, {"port_control": PortControl.AUTO}, P.INITIALIZE),
    (P.FORCE_AUTH, {"port_control": UNFORCED}, P.FORCE_UNAUTH),
]


@pytest.mark.parametrize(("state", "given", "following"), ARROWS)
def test_arrows_of_the_authenticator_pae(state: P, given: dict[str, object], following: P | None):
    machine, _ = pae(state, **given)
    assert step(machine) is (following is not None)
    assert machine.state is (following or state)


CLOSED = {P.INITIALIZE, P.DISCONNECTED, P.HELD, P.FORCE_UNAUTH}
OPEN = {P.AUTHENTICATED, P.FORCE_AUTH}


@pytest.mark.parametrize("state", P)
@pytest.mark.parametrize("was_open", [False, True])
def test_which_states_open_and_close_the_port(state: P, was_open: bool):
    machine, v = pae(P.CONNECTING, is_authorized=was_open)
    machine._enter(state)
    assert v.is_authorized is (state in OPEN or (was_open and state not in CLOSED))


def test_what_the_states_set():
    machine, v = pae(P.CONNECTING, re_authenticate=True, re_auth_count=1)
    machine._enter(P.CONNECTING)
    assert (v.re_authenticate, v.re_auth_count) == (False, 2)
    v.eapol_start = v.auth_success = v.auth_fail = v.auth_timeout = True
    machine._enter(P.AUTHENTICATING)
    assert (v.eapol_start, v.auth_success, v.auth_fail, v.auth_timeout, v.auth_start) == (False,) * 4 + (True,)
    machine._enter(P.AUTHENTICATED)
    assert v.re_auth_count == 0
    machine._enter(P.ABORTING)
    assert v.auth_abort
    v.eapol_logoff = True
    machine._enter(P.HELD)
    assert (v.quiet_while, v.eapol_logoff) == (100.5, False)
    v.eapol_logoff, v.re_auth_count = True, 3
    machine._enter(P.DISCONNECTED)
    assert (v.eapol_logoff, v.re_auth_count) == (False, 0)
    machine._enter(P.RESTART)
    assert v.eap_restart
    machine._enter(P.FORCE_AUTH)
    machine._enter(P.FORCE_UNAUTH)
    assert v.out == [eap.success(7), eap.failure(7)]


def backend(state: B, **given: object) -> tuple[BackendAuth, Variables]:
    made = variables()
    machine = BackendAuth(made)
    machine.state = state
    for name, value in given.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return machine, made


BACKEND_ARROWS = [
    (B.INITIALIZE, {}, B.IDLE),
    (B.INITIALIZE, {"initialize": True}, None),
    (B.INITIALIZE, {"port_control": FORCED}, None),
    (B.IDLE, {"eap_req": True}, None),
    (B.IDLE, {"auth_start": True}, None),
    (B.IDLE, {"auth_start": True, "eap_req": True}, B.REQUEST),
    (B.IDLE, {"auth_start": True, "eap_success": True}, B.SUCCESS),
    (B.IDLE, {"auth_start": True, "eap_fail": True, "eap_req": True}, B.FAIL),
    (B.REQUEST, {}, None),
    (B.REQUEST, {"eapol_eap": True, "eap_req": True}, B.RESPONSE),
    (B.REQUEST, {"eap_req": True}, B.REQUEST),
    (B.REQUEST, {"eap_timeout": True}, B.TIMEOUT),
    (B.RESPONSE, {}, None),
    (B.RESPONSE, {"eap_no_req": True}, B.IGNORE),
    (B.RESPONSE, {"eap_req": True}, B.REQUEST),
    (B.RESPONSE, {"a_while": 100.0}, B.TIMEOUT),
    (B.RESPONSE, {"a_while": 100.1}, None),
    (B.RESPONSE, {"eap_fail": True}, B.FAIL),
    (B.RESPONSE, {"eap_success": True}, B.SUCCESS),
    (B.RESPONSE, {"eapol_eap": True}, None),
    (B.IGNORE, {}, None),
    (B.IGNORE, {"eapol_eap": True}, B.RESPONSE),
    (B.IGNORE, {"eap_req": True}, B.REQUEST),
    (B.IGNORE, {"eap_timeout": True}, B.TIMEOUT),
    (B.SUCCESS, {}, B.IDLE),
    (B.FAIL, {}, B.IDLE),
    (B.TIMEOUT, {}, B.IDLE),
    *((state, {"auth_abort": True}, B.INITIALIZE) for state in B),
    *((state, {"initialize": True}, B.INITIALIZE) for state in B if state is not B.INITIALIZE),
    *((state, {"port_control": FORCED}, B.INITIALIZE) for state in B if state is not B.INITIALIZE),
]


@pytest.mark.parametrize(("state", "given", "following"), BACKEND_ARROWS)
def test_arrows_of_backend_authentication(state: B, given: dict[str, object], following: B | None):
    machine, _ = backend(state, **given)
    assert step(machine) is (following is not None)
    assert machine.state is (following or state)


def test_what_the_states_of_backend_authentication_set():
    asked = eap.request_identity(3)
    machine, v = backend(B.IDLE, eap_req=True, eap_req_data=asked, eapol_eap=True)
    machine._enter(B.REQUEST)
    assert (v.eap_req, v.eapol_eap, v.out) == (False, False, [asked])
    v.auth_timeout = v.eapol_eap = v.eap_no_req = True
    machine._enter(B.RESPONSE)
    assert (v.auth_timeout, v.eapol_eap, v.eap_no_req, v.a_while, v.eap_resp) == (False, False, False, 130.0, True)
    v.eap_req_data = eap.success(3)
    machine._enter(B.SUCCESS)
    assert v.auth_success
    v.eap_req_data = eap.failure(3)
    machine._enter(B.FAIL)
    assert v.auth_fail
    machine._enter(B.TIMEOUT)
    assert v.auth_timeout
    assert v.out == [asked, eap.success(3), eap.failure(3)], "nobody has begun who would have to be told of a timeout"
    v.has_spoken = True
    machine._enter(B.TIMEOUT)
    assert v.out[-1] == eap.failure(7)
    v.auth_start = v.auth_abort = True
    machine._enter(B.INITIALIZE)
    assert not v.auth_abort
    v.eap_no_req = v.auth_start = True
    machine._enter(B.IGNORE)
    machine._enter(B.IDLE)
    assert (v.eap_no_req, v.auth_start) == (False, False)


RUNNING = {"is_authorized": True, "re_auth_enabled": True, "re_auth_when": 100.0}


@pytest.mark.parametrize(
    ("given", "following"),
    [
        (RUNNING, R.REAUTHENTICATE),
        (RUNNING | {"re_auth_when": 100.1}, None),
        (RUNNING | {"re_auth_enabled": False}, None),
        (RUNNING | {"is_authorized": False}, None),
        (RUNNING | {"initialize": True}, None),
        (RUNNING | {"port_control": FORCED}, None),
    ],
)
def test_arrows_of_the_reauthentication_timer(given: dict[str, object], following: R | None):
    v = variables(re_auth_period=60.0)
    machine = ReauthTimer(v)
    for name, value in given.items():
        setattr(v, name, value)
    assert step(machine) is (following is not None)
    assert v.re_authenticate is (following is not None)
    if following is not None:
        assert step(machine)
        assert (machine.state, v.re_auth_when) == (R.INITIALIZE, 160.0)
        assert not step(machine)


def test_times_that_do_not_run_are_never_over():
    v = variables()
    assert {v.a_while, v.quiet_while, v.re_auth_when, v.retrans_while} == {math.inf}
