"""What `drumtower dot1x status` prints of logins at the embedded server, and of who needs no Message-Authenticator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from auth8021x.eapserver.recent import Login
from config.dot1x import Dot1xSettings
from drumtower.dot1x_news import News
from drumtower.local_time import local

_SHOWN: Final = 10
"""Of each kind."""
_WORDS: Final = {
    "bad-certificate": "its certificate is expired, of another authority, or not for clients",
    "malformed": "what it sent cannot be read",
    "no-bypass": "known, but not marked to be let in by its MAC address alone",
    "no-common-method": "it wants a method that is not switched on here",
    "no-eap": "it speaks no EAP, and MAC addresses alone are not let in",
    "no-password": "it has no password of this kind here",
    "no-session": "it answered a conversation that is over",
    "not-here": "its group is not let in at this switch",
    "other-identity": "it began under another name than the one it proved",
    "refused-by-peer": "it does not trust our certificate, or stopped",
    "tls-closed": "it ended the TLS connection",
    "tls-refused": "it refused TLS: it may not trust our certificate",
    "too-many-rounds": "it came to no end",
    "too-many-tries": "too many wrong passwords: wait some minutes",
    "unknown-device": "its MAC address is not known",
    "unknown-group": "its group is not in the settings",
    "unknown-identity": "nobody of this name is known, or it is switched off",
    "wrong-password": "wrong password",
}


_NO_ANSWER: Final = {
    "unknown-client": "not named in [[dot1x.eap_server.clients]]",
    "wrong-message-authenticator": "it has another secret",
    "no-message-authenticator": "it sends no Message-Authenticator",
    "eap-without-message-authenticator": "it sends EAP without Message-Authenticator",
    "malformed": "what it sends is no RADIUS",
    "unexpected": "it asks for something else, such as accounting",
}


def lines(settings: Dot1xSettings, news: News) -> Iterator[str]:
    """Who was refused and let in of late, and whom the settings excuse; nothing where there is none of it."""
    yield from _excused(settings, news)
    if not settings.eap_server.clients or not news.at:
        return
    yield f"logins at the embedded server, as of {local(news.at)}:"
    for login in news.refused[:_SHOWN]:
        words = _WORDS.get(login.reason, login.reason)
        detail = f" ({login.detail})" if login.detail else ""
        yield f"  {_head(login)} refused: {words}{detail}{_times(login)}"
    for login in news.let_in[:_SHOWN]:
        yield f"  {_head(login)} let in{_times(login)}"
    if not news.refused and not news.let_in:
        yield "  none yet"
    for each in news.unheard[:_SHOWN]:
        words = _NO_ANSWER.get(each.reason, each.reason)
        yield f"  {local(each.at)}  {each.source} gets no answer: {words}, {each.count} requests"


def _head(login: Login) -> str:
    where = " ".join(each for each in (login.switch, login.port) if each)
    at = f"{login.client}: {where}" if where else login.client
    who = " ".join(each for each in (login.identity or "no name", login.method) if each)
    return f"{local(login.at)}  {login.mac:<17}  {who}, {at},"


def _times(login: Login) -> str:
    return f", {login.count} times" if login.count > 1 else ""


def _excused(settings: Dot1xSettings, news: News) -> Iterator[str]:
    """What an administrator has switched off stays in sight, whether the server runs or not."""
    counts = {each.name: each.excused for each in news.servers} | {each.name: each.excused for each in news.clients}
    peers = (
        ("answers", settings.servers),
        ("requests", settings.eap_server.clients),
        ("orders", settings.dynamic.clients),
    )
    for what, known in peers:
        for each in known:
            if not each.demands_message_authenticator:
                text = f"{each.name} is believed without Message-Authenticator (BlastRADIUS)"
                yield f"WARNING: {text}: {counts.get(each.name, 0)} {what} so far"
