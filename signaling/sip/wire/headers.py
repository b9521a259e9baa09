"""The header fields of a SIP message (RFC 3261 7.3): kept as bytes, in order, decoded and understood when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

T = TypeVar("T")


class Headers:
    """Header fields in their order, under canonical names; values stay bytes until somebody asks."""

    __slots__ = ("_fields", "_index", "_parsed")

    def __init__(self, fields: Iterable[tuple[str, str | bytes]] = ()) -> None:
        self._fields: list[tuple[str, bytes]] = []
        self._index: dict[str, list[bytes]] | None = None
        self._parsed: dict[str, Any] = {}
        for name, value in fields:
            self.add(name, value)

    def add(self, name: str, value: str | bytes) -> None:
        """Append a field; `name` has its canonical spelling. Raises ValueError on a line break in the value."""
        data = _encoded(name, value)
        self._fields.append((name, data))
        if self._index is not None:
            self._index.setdefault(name, []).append(data)
        self._parsed.pop(name, None)

    def extend(self, fields: list[tuple[str, bytes]]) -> None:
        """Append fields that were looked at before: no value has a line break."""
        self._fields += fields
        self._index = None
        self._parsed.clear()

    def prepend(self, name: str, value: str) -> None:
        """Put a field in front of all others."""
        self._fields.insert(0, (name, _encoded(name, value)))
        self._changed(name)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one, at the place of the first."""
        at = next((index for index, field in enumerate(self._fields) if field[0] == name), len(self._fields))
        self.remove(name)
        self._fields.insert(at, (name, _encoded(name, value)))

    def set_first(self, name: str, value: str | bytes, understood: object = None) -> None:
        """Replace the first field of this name, keeping the others (the top Via).

        `understood` is what parsed() gives for it from now on, where that is known.
        """
        at = next(index for index, field in enumerate(self._fields) if field[0] == name)
        data = _encoded(name, value)
        self._fields[at] = (name, data)
        if self._index is not None:
            self._index[name][0] = data
        self._parsed[name] = understood

    def remove(self, name: str) -> None:
        """Drop all fields of this name."""
        self._fields = [field for field in self._fields if field[0] != name]
        self._changed(name)

    def raw(self, name: str) -> Sequence[bytes]:
        """All values as they came, unfolded."""
        return self._by_name().get(name, ())

    def get(self, name: str, default: str = "") -> str:
        """The first value as text."""
        values = self._by_name().get(name)
        return values[0].decode("utf-8", "surrogateescape") if values else default

    def lines(self, name: str) -> list[str]:
        """Every field of this name as text, commas untouched."""
        return [value.decode("utf-8", "surrogateescape") for value in self.raw(name)]

    def values(self, name: str) -> list[str]:
        """Every value, fields with commas split (RFC 3261 7.3.1)."""
        if name not in self._by_name():
            return []
        return [part for line in self.lines(name) for part in split_commas(line)]

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """The first field of this name, understood by `parse` once; always ask for a name with the same function."""
        found = self._parsed.get(name)
        if found is None:
            found = self._parsed[name] = parse(self.get(name))
        return cast("T", found)

    def count(self, name: str) -> int:
        """How many fields have this name."""
        return len(self.raw(name))

    def __contains__(self, name: str) -> bool:
        return name in self._by_name()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def copy(self) -> Headers:
        """An independent copy."""
        twin = Headers()
        twin._fields = list(self._fields)
        return twin

    def copied(self, names: Iterable[str]) -> Headers:
        """A copy of the fields of these names, with what was understood of them."""
        index, twin = self._by_name(), Headers()
        for name in names:
            twin._fields += [(name, value) for value in index.get(name, ())]
            if name in self._parsed:
                twin._parsed[name] = self._parsed[name]
        return twin

    def _by_name(self) -> dict[str, list[bytes]]:
        """The values of each name; a message is asked for some thirty times, and changed seldom."""
        index = self._index
        if index is None:
            index = self._index = {}
            for name, value in self._fields:
                index.setdefault(name, []).append(value)
        return index

    def _changed(self, name: str) -> None:
        self._index = None
        self._parsed.pop(name, None)


def split_commas(text: str) -> list[str]:
    """Split at commas that stand outside quotes and angle brackets."""
    if "," not in text:
        return [text.strip()] if text.strip() else []
    parts, start, quoted, angle, index = [], 0, False, False, 0
    while index < len(text):
        char = text[index]
        if quoted and char == "\\":
            index += 1
        elif char == '"':
            quoted = not quoted
        elif not quoted and char in "<>":
            angle = char == "<"
        elif char == "," and not quoted and not angle:
            parts.append(text[start:index].strip())
            start = index + 1
        index += 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _encoded(name: str, value: str | bytes) -> bytes:
    data = value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")
    if b"\r" in data or b"\n" in data:
        raise ValueError(f"line break in {name}")
    return data
