"""`drumtower dot1x add` and others: who the embedded RADIUS server knows. Passwords never come from an argument."""

from __future__ import annotations

import argparse

from auth8021x.eapserver.stored_book import SupplicantOffice
from auth8021x.errors import MalformedPacketError
from auth8021x.wire import mac_address
from drumtower.administration import EXIT_STATUS, CommandError, Office, command
from drumtower.keyring import master_key
from drumtower.secret_sources import SecretSources
from store.supplicants import Supplicant

_SOURCES = SecretSources("password", "DRUMTOWER_DOT1X_PASSWORD")
_EPILOG = (
    f"{_SOURCES.rule}. a running server notices changes within seconds, and so do switches and ports that "
    f"it can tell; at others sessions that run end with their next reauthentication. {EXIT_STATUS}"
)


def add_actions(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add them to those of `drumtower dot1x`."""
    add = actions.add_parser("add", help="let a user or device into the network", epilog=_EPILOG, allow_abbrev=False)
    add.add_argument("identity", help="the name in its certificate, or the one that belongs to its password")
    add.add_argument("--group", default="", help="a group of the settings ([[dot1x.eap_server.groups]])")
    add.add_argument("--mac", help="its MAC address, in whatever spelling")
    add.add_argument("--bypass", action="store_true", help="let it in by that address alone (old devices)")
    _add_sources(add, is_needed=False)
    add.set_defaults(command=command(_add))
    show = actions.add_parser("list", help="list users and devices", epilog=EXIT_STATUS)
    show.set_defaults(command=command(_list))
    change = actions.add_parser("set-password", help="replace a password", epilog=_EPILOG, allow_abbrev=False)
    change.add_argument("identity", help="whose")
    _add_sources(change, is_needed=True)
    change.set_defaults(command=command(_set_password))
    group = actions.add_parser("set-group", help="put it into another group", epilog=_EPILOG)
    group.add_argument("identity", help="which")
    group.add_argument("group", nargs="?", default="", help="a group of the settings; none: it has no group")
    group.set_defaults(command=command(_set_group))
    for action, text in (("enable", "let it in again"), ("disable", "let it in no more")):
        switch = actions.add_parser(action, help=text, epilog=EXIT_STATUS)
        switch.add_argument("identity", help="which")
        switch.set_defaults(command=command(_switch), is_enabled=action == "enable")
    remove = actions.add_parser("remove", help="delete a user or device", epilog=EXIT_STATUS)
    remove.add_argument("identity", help="which")
    remove.set_defaults(command=command(_remove))


def _add_sources(parser: argparse.ArgumentParser, *, is_needed: bool) -> None:
    _SOURCES.add_to(parser, "ask for a password (PEAP, TTLS)", is_needed=is_needed)
    parser.add_argument("--md5", action="store_true", help="keep it so that EAP-MD5 can use it, too")


def _office(office: Office) -> SupplicantOffice:
    return SupplicantOffice(office.database.supplicants, master_key(office.settings))


async def _add(options: argparse.Namespace, office: Office) -> None:
    try:
        mac = mac_address.plain(mac_address.parse(options.mac)) if options.mac else None
    except MalformedPacketError:
        raise CommandError(f"{options.mac}: no MAC address") from None
    _check_group(options.group, office)
    password = _SOURCES.given(options)
    if options.md5 and password is None:
        raise CommandError("--md5 needs a password")
    added = await _office(office).add(
        options.identity, options.group, mac, password, may_bypass=options.bypass, has_md5=options.md5
    )
    print(f"added {added.identity}")


async def _list(_options: argparse.Namespace, office: Office) -> None:
    for supplicant in await _office(office).all():
        print(_line(supplicant))


async def _set_password(options: argparse.Namespace, office: Office) -> None:
    password = _SOURCES.given(options)
    assert password is not None
    changed = await _office(office).set_password(options.identity, password, has_md5=options.md5)
    print(f"new password for {changed.identity}")


async def _set_group(options: argparse.Namespace, office: Office) -> None:
    _check_group(options.group, office)
    changed = await _office(office).set_group(options.identity, options.group)
    print(f"{changed.identity} is in {changed.group_name or 'no group'}")


async def _switch(options: argparse.Namespace, office: Office) -> None:
    changed = await _office(office).enable(options.identity, options.is_enabled)
    print(f"{changed.identity} is {'enabled' if changed.is_enabled else 'disabled'}")


async def _remove(options: argparse.Namespace, office: Office) -> None:
    if not await _office(office).remove(options.identity):
        raise CommandError(f"there is no {options.identity}")
    print(f"removed {options.identity}")


def _check_group(name: str, office: Office) -> None:
    groups = {group.name for group in office.settings.dot1x.eap_server.groups}
    if name and name not in groups:
        raise CommandError(f"{name}: no such group; there are {', '.join(sorted(groups)) or 'none'}")


def _line(supplicant: Supplicant) -> str:
    marks = [
        supplicant.group_name,
        supplicant.mac or "",
        "by its address alone" if supplicant.may_bypass else "",
        "password" if supplicant.nt_hash else "",
        "EAP-MD5" if supplicant.password else "",
        "" if supplicant.is_enabled else "disabled",
    ]
    return f"{supplicant.identity:<32} {', '.join(mark for mark in marks if mark)}".rstrip()
