"""What is fuzzed: small functions that take any bytes and may raise nothing but what they declare."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
MAX_INPUT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Target:
    """One parser or core: `run` is given any bytes."""

    name: str
    run: Callable[[bytes], object]
    raises: tuple[type[Exception], ...] = ()
    is_fast: bool = True
    """Whether the fast tests change its inputs, too; decoders are slow."""

    def feed(self, data: bytes) -> float:
        """Run once: CPU seconds of this thread. What is not declared comes out as it is."""
        started_ns = time.thread_time_ns()
        try:
            self.run(data)
        except self.raises:
            pass
        return (time.thread_time_ns() - started_ns) / 1e9

    def corpus(self) -> dict[str, bytes]:
        """The inputs that are kept for it, by file name."""
        files = sorted((CORPUS / self.name).glob("*.hex"))
        return {file.stem: bytes.fromhex(file.read_text()) for file in files}


TARGETS: dict[str, Target] = {}


def target(
    name: str, *raises: type[Exception], is_fast: bool = True
) -> Callable[[Callable[[bytes], object]], Callable[[bytes], object]]:
    """Register a function of bytes under `name`."""

    def register(run: Callable[[bytes], object]) -> Callable[[bytes], object]:
        TARGETS[name] = Target(name, run, raises, is_fast)
        return run

    return register


class Bytes:
    """An input read as the choices of a script; zeros follow its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    @property
    def is_empty(self) -> bool:
        """Whether the input is used up."""
        return self._position >= len(self._data)

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        taken = self._data[self._position : self._position + count]
        self._position += count
        return taken

    def number(self, count: int = 1) -> int:
        """The next `count` bytes as a number."""
        return int.from_bytes(self.take(count).ljust(count, b"\0"), "big")

    def chunk(self) -> bytes:
        """A few bytes with their length before them, at most 255."""
        return self.take(self.number())


def keep(name: str, title: str, data: bytes) -> Path:
    """Write an input into the corpus of target `name`."""
    path = CORPUS / name / f"{title}.hex"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = data.hex()
    path.write_text("".join(text[at : at + 120] + "\n" for at in range(0, len(text), 120)))
    return path
