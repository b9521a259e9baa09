"""Passcodes and passwords: rules, generation, and argon2id (RFC 9106) with a pepper, off the event loop."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

from crypto.secret import Secret

MIN_DIGITS: Final = 6
MAX_DIGITS: Final = 10
MAX_CHARACTERS: Final = 64
MIN_PASSWORD_CHARACTERS: Final = 10
MAX_PASSWORD_CHARACTERS: Final = 256
_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16


class PasscodeError(ValueError):
    """A passcode or password that nobody may set; the text says why, without repeating it."""


class HasherBusy(RuntimeError):
    """More hashes wait than the configured bound."""


def generate_passcode(digits: int = 8) -> Secret:
    """A random passcode of `digits` (6 to 10) digits that is not weak."""
    if not MIN_DIGITS <= digits <= MAX_DIGITS:
        raise PasscodeError(f"a generated passcode has {MIN_DIGITS} to {MAX_DIGITS} digits")
    while True:
        code = "".join(secrets.choice("0123456789") for _ in range(digits))
        if not is_weak(code):
            return Secret(code)


def generate_password() -> Secret:
    """A random one-time password: five groups of four letters and digits that are hard to confuse, about 99 bits."""
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    return Secret("-".join("".join(secrets.choice(alphabet) for _ in range(4)) for _ in range(5)))


def check_passcode(code: str, *, insists: bool = False) -> bool:
    """Whether `code` is weak; raises PasscodeError where it may not be used.

    A weak one (short, or a pattern) is only for an administrator who `insists`, and is flagged as such.
    """
    if not code:
        raise PasscodeError("an empty passcode opens nothing; remove the passcode instead")
    if len(code) > MAX_CHARACTERS or not (code.isascii() and code.isdigit()):
        raise PasscodeError(f"a passcode has digits only, at most {MAX_CHARACTERS}, so that every terminal can dial it")
    weak = is_weak(code)
    if weak and not insists:
        raise PasscodeError(f"this passcode is easily guessed: use {MIN_DIGITS} or more digits without a pattern")
    return weak


def is_weak(code: str) -> bool:
    """Short, repeated, counting up or down, mirrored pairs, or a date that people like."""
    return len(code) < MIN_DIGITS or len(set(code)) <= 2 or _is_run(code) or _is_repeated(code) or _is_date(code)


def check_password(password: str) -> None:
    """Raises PasscodeError where a user may not choose this password (NIST SP 800-63B 3.1.1: length, no recipes)."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise PasscodeError(f"a password has {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters")
    if len(set(password)) < MIN_PASSWORD_CHARACTERS // 2:
        raise PasscodeError("a password needs more different characters")


class PasscodeHasher:
    """Hashes and compares in threads, at most `at_once` at a time and `max_waiting` in the queue."""

    def __init__(
        self, pepper: bytes, *, memory_kib: int = 19_456, iterations: int = 2, at_once: int = 2, max_waiting: int = 256
    ) -> None:
        self._pepper = pepper
        self._argon2 = PasswordHasher(
            time_cost=iterations, memory_cost=memory_kib, parallelism=1, hash_len=_HASH_BYTES, salt_len=_SALT_BYTES,
            type=Type.ID,
        )  # fmt: skip
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passcode")
        self._max_pending = at_once + max_waiting
        self._pending = 0
        self._dummy: str | None = None

    @property
    def pending(self) -> int:
        """Jobs in progress or waiting, for the metrics."""
        return self._pending

    async def hash(self, secret: str) -> str:
        """An argon2id string with a fresh salt. Raises HasherBusy."""
        peppered = self._peppered(secret)
        return (await self._run(peppered, None))[0]

    async def match(self, secret: str, hashes: Sequence[str | None]) -> tuple[bool, ...]:
        """For each hash whether `secret` fits. None fits nothing, and takes as long. Raises HasherBusy."""
        return tuple(outcome == "yes" for outcome in await self._run(self._peppered(secret), tuple(hashes)))

    async def verify(self, secret: str, hashed: str | None) -> bool:
        """Whether `secret` fits one hash; None (an unknown user) is refused in the same time. Raises HasherBusy."""
        return (await self.match(secret, (hashed,)))[0]

    def needs_rehash(self, hashed: str) -> bool:
        """Whether the hash was made with other parameters than those configured now."""
        return self._argon2.check_needs_rehash(hashed)

    def close(self) -> None:
        """End the threads; jobs in progress are finished."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, peppered: bytes, hashes: tuple[str | None, ...] | None) -> list[str]:
        if self._pending >= self._max_pending:
            raise HasherBusy(f"{self._pending} hashes are waiting")
        job = self._threads.submit(self._work, peppered, hashes)
        self._pending += 1
        wrapped = asyncio.wrap_future(job)
        # Of the job, not of the one who waits: a caller who hangs up does not free a busy thread.
        loop = asyncio.get_running_loop()
        job.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done) if not loop.is_closed() else None)
        return await wrapped

    def _done(self) -> None:
        self._pending -= 1

    def _work(self, peppered: bytes, hashes: tuple[str | None, ...] | None) -> list[str]:
        if hashes is None:
            return [self._argon2.hash(peppered)]
        return ["yes" if self._fits(peppered, hashed) else "no" for hashed in hashes]

    def _fits(self, peppered: bytes, hashed: str | None) -> bool:
        if hashed is None:
            if self._dummy is None:
                self._dummy = self._argon2.hash(secrets.token_bytes(_HASH_BYTES))
            hashed = self._dummy
        try:
            # Compared in constant time by the reference implementation.
            return self._argon2.verify(hashed, peppered)
        except (VerificationError, InvalidHashError):
            return False

    def _peppered(self, secret: str) -> bytes:
        text = secret.encode("utf-8", "surrogatepass")
        return hmac.digest(self._pepper, text, hashlib.sha256)


def _is_run(code: str) -> bool:
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(code)}
    return len(steps) == 1


def _is_repeated(code: str) -> bool:
    # 123123, 24682468, and palindromes such as 123321.
    return code in (code + code)[1:-1] or code == code[::-1]


def _is_date(code: str) -> bool:
    if len(code) == 8:
        readings = [(code[:4], code[4:6], code[6:]), (code[4:], code[2:4], code[:2]), (code[4:], code[:2], code[2:4])]
        return any(1900 <= int(y) <= 2100 and 1 <= int(m) <= 12 and 1 <= int(d) <= 31 for y, m, d in readings)
    return False
