"""The header fields of a SIP message (RFC 3261 7.3), by name, understood when asked for.

Fields of one name keep their order; that of different names means nothing (7.3.1). Bytes that are no UTF-8 are kept as
surrogates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


class Headers:
    """Header fields under canonical names."""

    __slots__ = ("_first", "_further", "understood")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._first: dict[str, str] = {}
        self._further: dict[str, list[str]] = {}
        """Of the few names that more than one field has: all but the first."""
        self.understood: dict[str, Any] = {}
        """What parsed() made of the first field of a name."""
        for name, value in fields:
            self.add(name, value)

    @classmethod
    def of(cls, first: dict[str, str], further: dict[str, list[str]] | None = None) -> Headers:
        """Fields that were looked at before (no value has a line break): the first of each name, and further ones."""
        made = cls()
        made._first = first
        if further:
            made._further = further
        return made

    def add(self, name: str, value: str) -> None:
        """Append a field; `name` has its canonical spelling. Raises ValueError on a line break in the value."""
        _refuse_breaks(name, value)
        if name not in self._first:
            self._first[name] = value
            self.understood.pop(name, None)
        else:
            self._further.setdefault(name, []).append(value)

    def prepend(self, name: str, value: str) -> None:
        """Put a field in front of all others."""
        _refuse_breaks(name, value)
        old = self._first.pop(name, None)
        if old is not None:
            self._further.setdefault(name, []).insert(0, old)
        self._first = {name: value, **self._first}
        self.understood.pop(name, None)

    def set(self, name: str, value: str) -> None:
        """Replace all fields of this name by one."""
        self._further.pop(name, None)
        self.set_first(name, value)

    def set_first(self, name: str, value: str, understood: object = None) -> None:
        """Replace the first field of this name, keeping the others (the top Via).

        `understood` is what parsed() gives for it from now on, where that is known.
        """
        _refuse_breaks(name, value)
        self._first[name] = value
        if understood is not None:
            self.understood[name] = understood
        else:
            self.understood.pop(name, None)

    def remove(self, name: str) -> None:
        """Drop all fields of this name."""
        for kept in (self._first, self._further, self.understood):
            kept.pop(name, None)

    def get(self, name: str, default: str = "") -> str:
        """The first value."""
        return self._first.get(name, default)

    def lines(self, name: str) -> list[str]:
        """Every field of this name, commas untouched."""
        first = self._first.get(name)
        return [] if first is None else [first, *self._further.get(name, ())]

    def values(self, name: str) -> list[str]:
        """Every value, fields with commas split (RFC 3261 7.3.1)."""
        first = self._first.get(name)
        if first is None:
            return []
        if "," not in first and name not in self._further:
            text = first.strip()
            return [text] if text else []
        return [part for line in self.lines(name) for part in split_commas(line)]

    def parsed(self, name: str, parse: Callable[[str], T]) -> T:
        """The first field of this name, understood by `parse` once; always ask for a name with the same function."""
        known = self.understood
        if name not in known:
            known[name] = parse(self.get(name))
        found: T = known[name]
        return found

    def repeated(self) -> Iterable[str]:
        """The names that more than one field has."""
        return self._further

    def serialize(self) -> str:
        """The fields as they stand in a message, CRLF after each."""
        if not self._further:
            return "".join([f"{name}: {value}\r\n" for name, value in self._first.items()])
        return "".join([f"{name}: {value}\r\n" for name, value in self])

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for name, value in self._first.items():
            yield name, value
            for further in self._further.get(name, ()):
                yield name, further

    def __len__(self) -> int:
        return len(self._first) + sum(map(len, self._further.values()))

    def copy(self) -> Headers:
        """An independent copy."""
        return Headers.of(self._first.copy(), {name: list(values) for name, values in self._further.items()})

    def copied(self, names: Iterable[str]) -> Headers:
        """A copy of the fields of these names."""
        first, further = self._first, self._further
        chosen = {name: first[name] for name in names if name in first}
        return Headers.of(chosen, {name: list(further[name]) for name in names if name in further} if further else None)


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


def _refuse_breaks(name: str, value: str) -> None:
    if "\r" in value or "\n" in value:
        raise ValueError(f"line break in {name}")
