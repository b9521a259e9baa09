"""Who signed a message of call signalling, and the signature under ours (H.235.1 on H.225.0 call signalling).

The hash covers H323-UserInformation as it travelled. Nobody has to sign a call: whoever may not come in without a name
is the gate's affair. A signature that is wrong is refused, though.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from config.h323 import H323Settings
from crypto.h235.password_key import PasswordKey
from signaling.h323 import h2351
from signaling.h323.call import message
from signaling.h323.call.message import Seal, Signal
from signaling.h323.errors import MalformedPduError
from signaling.h323.h2351 import Fault, HashedToken
from signaling.h323.ras import alias
from signaling.h323.ras.admission import Account, Accounts
from signaling.h323.ras.alias import Alias
from signaling.h323.ras.replays import ReplayMemory
from signaling.tries import SourceTries, source_key

_NOBODYS_KEY: Final = PasswordKey(b"")
_MOST_NAMES: Final = 16
"""Of one message that are looked up."""
_MOST_SIGNING: Final = 20_000
_FIRST_RANDOM: Final = h2351.MAX_RANDOM // 2
"""RAS counts from 0: no pair of time and number is sent twice (H.235.1)."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signed."""

    account: Account
    senders_id: str
    """What it calls itself; our answers name it."""


class Signatures:
    """Those of all calls of a server. `now_s` is UTC in seconds."""

    def __init__(self, settings: H323Settings, accounts: Accounts, tries: SourceTries | None = None) -> None:
        """`tries`: who guesses passwords; None, and nobody is slowed down."""
        self._settings = settings
        self._accounts = accounts
        self._tries = tries
        self._replays = ReplayMemory(settings.clock_skew_s)
        self._random = _FIRST_RANDOM
        self._signing: OrderedDict[str, None] = OrderedDict()
        """Accounts whose terminals have signed call signalling."""

    def check(self, octets: bytes, now_s: float, source: str = "") -> Signer | Fault | None:
        """Who signed this Setup, which came from the host `source`; None for nobody.

        After too many wrong ones for a terminal no more are looked at from there for a while: they were guesses.
        """
        signal = self._read(octets)
        if signal is None:
            return None
        claimed = (each.text for each in alias.parse_all(signal.body.get("sourceAddress")))
        # AudioCodes and Innovaphone leave identifiers out: then its aliases say whose it is.
        found = self._check(signal, lambda token: (token.senders_id, *claimed), now_s, source)
        return None if found is Fault.ABSENT else found

    def check_later(self, signal: Signal, account: str, names: Collection[str], now_s: float) -> Signer | Fault:
        """Who signed a message behind Setup from the terminal of `account`; Fault.ABSENT for nobody.

        `names` are those of the other terminal of a routed call: some name it, and not us, as whom the message is for.
        """
        if self._settings.authentication == "off" or not account:
            return Fault.ABSENT
        return self._check(signal, lambda _: (account,), now_s, names=names)

    def _check(
        self,
        signal: Signal,
        accounts: Callable[[HashedToken], Iterable[str]],
        now_s: float,
        source: str = "",
        names: Collection[str] = (),
    ) -> Signer | Fault:
        token = h2351.find(signal.crypto_tokens)
        information = signal.q931.user_information
        if token is None or information is None:
            return Fault.ABSENT
        found = (self._accounts.account_of(name) for name in islice(accounts(token), _MOST_NAMES) if name)
        account = next((account for account in found if account is not None), None)
        # Others behind the same address are not locked out.
        payer = f"{source_key(source)} {account.name}" if account is not None and source else ""
        if self._is_paused(payer, now_s):
            return Fault.INTEGRITY
        # Names that nobody has take as long as wrong passwords.
        is_genuine = h2351.is_genuine(account.key if account else _NOBODYS_KEY, token, information)
        if account is None or not is_genuine:
            if self._tries is not None and payer:
                self._tries.failed(payer, now_s)
            return Fault.INTEGRITY
        if token.general_id not in names and not self._is_for_us(token, signal):
            return Fault.GENERAL_ID
        fault = self._replays.check(account.name, token, int(now_s))
        if fault is None:
            self._remember(account.name)
            if self._tries is not None and payer:
                self._tries.passed(payer, now_s)
        return fault or Signer(account, token.senders_id)

    def is_expected(self, account: str) -> bool:
        """Whether all messages of call signalling from the terminal of `account` have to be signed."""
        settings = self._settings
        return settings.authentication == "required" and (settings.must_sign_all or account in self._signing)

    def _remember(self, account: str) -> None:
        self._signing[account] = None
        if len(self._signing) > _MOST_SIGNING:
            self._signing.popitem(last=False)

    def _is_paused(self, payer: str, now_s: float) -> bool:
        return self._tries is not None and bool(payer) and self._tries.pace(payer, now_s).retry_after_s > 0

    def _read(self, octets: bytes) -> Signal | None:
        """None where there is nothing to check; of what cannot be read the call says what is wrong with it."""
        if self._settings.authentication == "off":
            return None
        try:
            return message.parse(octets)
        except MalformedPduError:
            return None

    def signer_for(self, called: Sequence[Alias]) -> Signer | None:
        """For whom to sign a call of ours."""
        for each in called:
            account = self._accounts.account_of(each.text) if self._settings.authentication != "off" else None
            if account is not None:
                return Signer(account, each.text)
        return None

    def signer_named(self, account: str, senders_id: str) -> Signer | None:
        """For whom to sign what goes to the terminal of `account`, which calls itself `senders_id`."""
        if self._settings.authentication == "off" or not account:
            return None
        found = self._accounts.account_of(account)
        return Signer(found, senders_id) if found is not None else None

    def seal(self, signer: Signer, clock: Callable[[], float]) -> Seal:
        """Signs our messages of the call with this peer. `clock` gives UTC in seconds."""

        def sign(encode: Callable[[list[Any]], bytes]) -> bytes:
            self._random = _FIRST_RANDOM + (self._random - _FIRST_RANDOM) % (h2351.MAX_RANDOM - _FIRST_RANDOM) + 1
            random, now_s = self._random, int(clock())

            def with_hash(digest: bytes) -> bytes:
                return encode([h2351.token(now_s, random, signer.senders_id, self._settings.gatekeeper_id, digest)])

            return h2351.sign(signer.account.key, with_hash)

        return sign

    def _is_for_us(self, token: HashedToken, signal: Signal) -> bool:
        """Not a message that somebody else was sent, who passes it on."""
        called = (each.text for each in alias.parse_all(signal.body.get("destinationAddress")))
        return token.general_id in ("", self._settings.gatekeeper_id, *called)
