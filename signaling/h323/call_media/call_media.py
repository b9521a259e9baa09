"""All media of one call, sans-IO: from capabilities and channels of H.245 and fast start to the streams of a leg.

The owner hands every event of the call to handle(), and carries what comes back. It drives the presentation token of
H.239 itself. No timer runs here: channels that are not answered end by those of Control.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mcu.media import Kind, LegMedia
from signaling.h323.call import events as call
from signaling.h323.call_media.security import Security
from signaling.h323.call_media.wishes import Wishes
from signaling.h323.capabilities.fast_start import Ports
from signaling.h323.h245 import events as h245
from signaling.h323.h245.control import Control


class CallMedia:
    """See the module.

    `ports` are those of our end by kind; a kind without is neither offered nor taken. `security` (MediaSecurity) is
    None where nothing is to be encrypted. As called end it has answered the tokens of the Setup before; as caller it
    has made those of ours, and handle() gives it the peer's (TokensReceived, Connected).
    """

    def __init__(
        self, control: Control, wishes: Wishes, ports: Mapping[Kind, Ports], security: Security | None = None
    ) -> None:
        raise NotImplementedError

    @property
    def media(self) -> LegMedia:
        """What holds now. A kind whose channels do not stand has no stream."""
        raise NotImplementedError

    @property
    def generation(self) -> int:
        """Grows whenever `media` changes."""
        raise NotImplementedError

    @property
    def is_settled(self) -> bool:
        """Whether it is known what both ends send: their sound stands, or there will be none of it.

        Once true it stays so. A peer that never offers sound is for the owner's clock to find out.
        """
        raise NotImplementedError

    def handle(self, event: h245.Event | call.Event, now: float) -> list[h245.Effect]:
        """An event of the call, whatever it is; those that are not about media give nothing."""
        raise NotImplementedError

    def kind_of(self, number: int, *, is_ours: bool) -> Kind | None:
        """What a channel carries, of FastUpdate for one. Ask before handle() of the event that ends it."""
        raise NotImplementedError

    # ---- the beginning

    def capability_set(self) -> dict[str, Any]:
        """For Control.prepare(), before H.245 begins."""
        raise NotImplementedError

    def propose_fast_start(self) -> list[Any]:
        """As caller: sound in both directions for fastStart of the Setup; nothing where encryption is wished.

        Keys need H.245.
        """
        raise NotImplementedError

    def fast_start_answered(self, channels: Sequence[Any]) -> None:
        """As caller: what the peer took of it. handle(FastStartAnswered) does the same."""
        raise NotImplementedError

    def fast_start_refused(self) -> None:
        """As caller: it took nothing. handle(FastStartRefused) does the same."""
        raise NotImplementedError

    def answer_fast_start(self, proposals: Sequence[Any]) -> list[Any]:
        """As called end: fastStart of Connect, for that of the Setup. The channels stand from now on.

        [] takes none, also where media will be encrypted.
        """
        raise NotImplementedError

    # ---- wishes

    def fast_update(self, kind: Kind) -> list[h245.Effect]:
        """Ask the peer for a keyframe of what it sends of `kind`."""
        raise NotImplementedError

    def limit(self, kind: Kind, bitrate_bps: int | None) -> list[h245.Effect]:
        """Ask the peer to send at most so much of `kind`; None lifts the limit."""
        raise NotImplementedError

    def content_number(self) -> int:
        """The number of our next content channel, for Control.request_content()."""
        raise NotImplementedError

    @property
    def is_content_taken(self) -> bool:
        """Whether the peer takes content beside what we send."""
        raise NotImplementedError

    def open_content(self, now: float) -> list[h245.Effect]:
        """Open our content channel; the presentation token is ours. It comes back after a hold."""
        raise NotImplementedError

    def close_content(self, now: float) -> list[h245.Effect]:
        """Close it, once: the token is gone, or nothing is shown any more."""
        raise NotImplementedError

    def renew_keys(self, now: float) -> list[h245.Effect]:
        """New session keys for all encrypted channels: made by us as master, asked for as slave (H.235.6 8.6.2).

        Many terminals take no updates: their channels keep the keys that they have.
        """
        raise NotImplementedError
