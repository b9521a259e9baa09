"""Whether the identity of a session may call under a name: its own, one that a device was given, or any by its role."""

from __future__ import annotations

from collections.abc import Iterable

from auth8021x.directory.session import Session
from auth8021x.sites import Site


def may_call_as(site: Site, session: Session, aliases: Iterable[str]) -> bool:
    """All of these names; people do not tell capital letters apart on a remote control."""
    if session.role in site.settings.any_alias_roles:
        return True
    allowed = _own_names(site, session.identity.casefold()) | site.aliases(session.mac, session.identity)
    return all(alias.casefold() in allowed for alias in aliases)


def _own_names(site: Site, identity: str) -> set[str]:
    """The identity, and without its realm where that is one of the site: vt1@other.example is not our vt1."""
    name, at, realm = identity.rpartition("@")
    is_ours = at and name and realm in {each.casefold() for each in site.settings.realms}
    return {identity} - {""} | ({name} if is_ours else set())
