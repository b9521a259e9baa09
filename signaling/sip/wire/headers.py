"""The header fields of a SIP message (RFC 3261 7.3): kept as bytes, decoded and understood when asked for.

Fields of one name keep their order; that of different names means nothing (7.3.1), so they are kept by name.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Headers:
    """Header fields under canonical names; values stay bytes until somebody asks."""

    __slots__ = ("_fields", "understood")

    def __init__(self, fields: Iterable[tuple[str, str | bytes]] = ()) -> None:
        self._fields: dict[str, tuple[bytes, ...]] = {}
        self.understood: dict[str, Any] = {}
        """What parsed() made of the first field of a name."""
        for name, value in fields:
            self.add(name, value)

    @classmethod
    def of(cls, fields: dict[str, tuple[bytes, ...]]) -> Headers:
        """Fields that were looked at before: no value has a line break."""
        made = cls()
        made._fields = fields
        return made

    def add(self, name: str, value: str | bytes) -> None:
        """Append a field; `name` has its canonical spelling. Raises ValueError on a line break in the value."""
        data = _encoded(name, value)
        present = self._fields.get(name)
        if present is None:
            self._fields[name] = (data,)
            self.understood.pop(name, None)
        else:
            self._fields[name] = (*present, data)

    def prepend(self, name: str, value: str) -> None:
        """Put a field in front of all others."""
        data = _encoded(name, value)
        self._fields = {name: (data, *self._fields.pop(name, ())), **self._fields}
        self.understood.pop(name, None)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one."""
        self._fields[name] = (_encoded(name, value),)
        self.understood.pop(name, None)

    def set_first(self, name: str, value: str | bytes, understood: object = None) -> None:
        """Replace the first field of this name, keeping the others (the top Via).

        `understood` is what parsed() gives for it from now on, where that is known.
        """
        self._fields[name] = (_encoded(name, value), *self._fields[name][1:])
        if understood is not None:
            self.understood[name] = understood
        else:
            self.understood.pop(name, None)

    def remove(self, name: str) -> None:
        """Drop all fields of this name."""
        self._fields.pop(name, None)
        self.understood.pop(name, None)

    def raw(self, name: str) -> Sequence[bytes]:
        """All values as they came, unfolded."""
        return self._fields.get(name, ())

    def get(self, name: str, default: str = "") -> str:
        """The first value as text."""
        values = self._fields.get(name)
        return values[0].decode("utf-8", "surrogateescape") if values else default

    def lines(self, name: str) -> list[str]:
        """Every field of this name as text, commas untouched."""
        return [value.decode("utf-8", "surrogateescape") for value in self._fields.get(name, ())]

    def values(self, name: str) -> list[str]:
        """Every value, fields with commas split (RFC 3261 7.3.1)."""
        values = self._fields.get(name)
        if values is None:
            return []
        if len(values) == 1 and b"," not in values[0]:
            text = values[0].decode("utf-8", "surrogateescape").strip()
            return [text] if text else []
        return [part for line in self.lines(name) for part in split_commas(line)]

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """The first field of this name, understood by `parse` once; always ask for a name with the same function."""
        known = self.understood
        if name not in known:
            known[name] = parse(self.get(name))
        found: T = known[name]
        return found

    def repeated(self) -> list[str]:
        """The names that more than one field has."""
        return [name for name, values in self._fields.items() if len(values) > 1]

    def items(self) -> ItemsView[str, tuple[bytes, ...]]:
        """Each name with its values."""
        return self._fields.items()

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        return ((name, value) for name, values in self._fields.items() for value in values)

    def __len__(self) -> int:
        return sum(map(len, self._fields.values()))

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers.of(dict(self._fields))

    def copied(self, names: Iterable[str]) -> Headers:
        """A copy of the fields of these names."""
        fields = self._fields
        return Headers.of({name: fields[name] for name in names if name in fields})


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
