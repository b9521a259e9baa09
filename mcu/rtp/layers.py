"""Which layer of a simulcast source is handed on (RFC 8853): the lowest one that fills its tile."""

from __future__ import annotations

STALE_US = 600_000
"""A layer that was not heard for so long is not sent: its sender has no rate for it, or was told to leave it out."""
FILLS = 0.9
"""A picture so much smaller than its tile still fills it: few see the difference, but four times the pixels cost."""
_LARGEST = (1280, 720)
"""What the highest layer is believed to be until a keyframe has told."""
_NONE = -1


class LayerSelector:
    """Layers are numbered from the smallest. Frames of `current` are handed on, those of `target` from its keyframe on.

    Until that keyframe has come the current layer goes on, so that a decoder meets one unbroken stream.
    """

    def __init__(self, count: int) -> None:
        self.current = _NONE
        """The layer that is handed on; -1 for none yet, and while nobody sees the source."""
        self.target = _NONE
        """The layer that is wanted; a keyframe of it is needed where it is another one."""
        self.is_shown = True
        self._tile = _LARGEST
        self._sizes: list[tuple[int, int] | None] = [None] * count
        self._heard_us: list[int | None] = [None] * count

    @property
    def in_use(self) -> tuple[int, ...]:
        """The layers whose packets are put together: the current one first."""
        layers = (self.current,) if self.current == self.target else (self.current, self.target)
        return tuple(layer for layer in layers if layer != _NONE)

    def show(self, width: int, height: int, now_us: int) -> None:
        """The largest tile has so many pixels."""
        self.is_shown, self._tile = True, (width, height)
        self._choose(now_us)

    def hide(self) -> None:
        """Nobody sees the source."""
        self.is_shown = False
        self.current = self.target = _NONE

    def heard(self, layer: int, now_us: int) -> bool:
        """A packet of a layer came; whether that made another choice possible."""
        is_new = not self._is_sent(layer, now_us)
        self._heard_us[layer] = now_us
        if is_new:
            self._choose(now_us)
        return is_new

    def handle_timeout(self, now_us: int) -> bool:
        """Leave a layer that is not sent any more; whether there was one."""
        is_lost = any(not self._is_sent(layer, now_us) for layer in self.in_use)
        if is_lost:
            self._choose(now_us)
        return is_lost

    def passes(self, layer: int, is_keyframe: bool, size: tuple[int, int] | None, now_us: int) -> bool:
        """Whether a frame of a layer in use is handed on; `size` is that of the last keyframe, where it is known."""
        if is_keyframe:
            if layer == self.target:
                self.current = layer
            if size is not None:
                self._measured(layer, size, now_us)
        return layer == self.current

    def _measured(self, layer: int, size: tuple[int, int], now_us: int) -> None:
        known = self._sizes[layer]
        if known == size:
            return
        if known is not None:  # another camera, or the same one turned: what was known of the others holds no more
            self._sizes = [None] * len(self._sizes)
        self._sizes[layer] = size
        self._choose(now_us)

    def _choose(self, now_us: int) -> None:
        sent = [layer for layer in range(len(self._sizes)) if self._is_sent(layer, now_us)]
        if self.is_shown and sent:
            self.target = next((layer for layer in sent if self._fills(layer)), sent[-1])

    def _fills(self, layer: int) -> bool:
        """A picture keeps its shape, so one side of the tile is enough."""
        width, height = self._size(layer)
        return width >= self._tile[0] * FILLS or height >= self._tile[1] * FILLS

    def _size(self, layer: int) -> tuple[float, float]:
        """Of a layer that was not seen yet: each one is believed to have twice the sides of the one below it."""
        known = [(abs(layer - other), other, size) for other, size in enumerate(self._sizes) if size is not None]
        _, nearest, size = min(known, default=(0, len(self._sizes) - 1, _LARGEST))
        factor = 2.0 ** (layer - nearest)
        return size[0] * factor, size[1] * factor

    def _is_sent(self, layer: int, now_us: int) -> bool:
        heard_us = self._heard_us[layer]
        return heard_us is not None and now_us - heard_us < STALE_US
