"""What people are shown of a terminal: where it stands and why, in every state that it can be in."""

from __future__ import annotations

from auth8021x.pae.actions import Refuse
from auth8021x.pae.grant import By
from auth8021x.ports.status import Standing, TerminalStatus, silent_status, terminal_status
from auth8021x.wire import attribute, tunnel
from auth8021x.wire.dictionary import Type
from tests.auth8021x.pae.world import MAC, OTHER, Radius, Supplicant, World


def shown(world: World, mac: bytes = MAC, kept_out: str = "") -> TerminalStatus:
    return terminal_status(world.port.terminals[mac], kept_out)


def test_who_is_in():
    granted = (attribute.text(Type.FILTER_ID, "video"), *tunnel.vlan_attributes("42"))
    found = shown(World(Radius(accept=granted), Supplicant()).up())
    assert (found.mac, found.standing, found.why, found.by) == (MAC, Standing.IN, "eap", By.EAP)
    assert (found.identity, found.vlan, found.role) == ("vt1", "42", "video")
    assert found.session


def test_who_has_a_grant_that_the_port_cannot_give():
    found = shown(World(Radius(), Supplicant()).up(), kept_out="unknown-vlan")
    assert (found.standing, found.why) == (Standing.KEPT_OUT, "unknown-vlan")


def test_who_was_refused():
    found = shown(World(Radius(), Supplicant(proof=b"bad")).up())
    assert (found.standing, found.why, found.identity, found.by) == (Standing.REFUSED, "rejected", "vt1", None)


def test_each_refusal_is_told_once_and_again_when_it_is_one_again():
    world = World(Radius(), Supplicant(proof=b"bad"), quiet_period_s=60).up()
    told = Refuse(MAC, "vt1", "rejected")
    assert world.refusals == [told]
    world.start()
    assert world.refusals == [told], "it is the same one still"
    world.run(61)
    assert world.refusals == [told, told]
    world.supplicants[0].proof = b"good"
    world.run(61)
    assert list(world.inside) == [MAC]
    assert len(world.refusals) == 2


def test_who_is_looked_up_in_vain_is_told_as_refused():
    world = World(Radius(), Supplicant(is_on=False), bypass="silent", quiet_period_s=1e6).up()
    world.port.seen(MAC, world.now)
    world.work().run(600)
    assert world.refusals == [Refuse(MAC, "", "unknown-address")]


def test_who_could_not_be_asked_about():
    found = shown(World(Radius(is_up=False), Supplicant()).up())
    assert (found.standing, found.why) == (Standing.REFUSED, "no-server")


def test_who_is_asked():
    world = World(Radius(), Supplicant(is_on=False)).up()
    world.start()
    found = shown(world)
    assert (found.standing, found.why) == (Standing.ASKED, "")


def test_who_speaks_no_eap():
    world = World(Radius(), Supplicant(is_on=False), max_supplicants_per_port=1).up()
    for mac in (MAC, OTHER):
        world.port.seen(mac, world.now)
        world.work().run(600)
    assert list(world.port.silent) == [OTHER], "no more than there may be terminals"
    assert silent_status(OTHER).why == "no-eap"
    world.start(OTHER)
    assert list(world.port.silent) == []


def test_who_is_looked_up_by_its_address_and_unknown_or_nobody_answers():
    for server, why in ((Radius(), "unknown-address"), (Radius(is_up=False), "no-server")):
        world = World(server, Supplicant(is_on=False), bypass="silent", quiet_period_s=1e6).up()
        world.port.seen(MAC, world.now)
        world.work().run(600)
        found = shown(world)
        assert (found.standing, found.why) == (Standing.REFUSED, why)


def test_who_is_known_by_its_address_and_a_guest():
    world = World(Radius(known={MAC.hex()}), bypass="silent", guest="silent", guest_network="99").up()
    for mac, why, vlan in ((MAC, "bypass", ""), (OTHER, "guest", "99")):
        world.port.seen(mac, world.now)
        world.work().run(600)
        found = shown(world, mac)
        assert (found.standing, found.why, found.vlan) == (Standing.IN, why, vlan)
