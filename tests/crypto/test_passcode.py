"""Passcodes: rules, generation, hashing off the loop with a bound, equal work for unknown rooms."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from crypto.passcode import (
    HasherBusy,
    PasscodeError,
    PasscodeHasher,
    check_passcode,
    check_password,
    generate_passcode,
    generate_password,
    is_weak,
)

CHEAP = {"memory_kib": 64, "iterations": 1}


@pytest.mark.parametrize(
    "code",
    ["1", "2468", "12345", "111111", "121212", "123456", "654321", "890123", "987654", "123123", "123321",
     "246824682468", "20240131", "31011999", "112211", "147036", "00000000"],
)  # fmt: skip
def test_weak(code: str) -> None:
    assert is_weak(code)
    with pytest.raises(PasscodeError) as caught:
        check_passcode(code)
    assert len(code) < 3 or code not in str(caught.value)
    assert check_passcode(code, insists=True)


@pytest.mark.parametrize("code", ["135792", "902841", "83927461", "5028841971"])
def test_strong(code: str) -> None:
    assert not check_passcode(code)


@pytest.mark.parametrize("code", ["", "12a456", "１２３４５６", "1 3579", "1" * 65, "-83927461"])
def test_never_allowed(code: str) -> None:
    with pytest.raises(PasscodeError):
        check_passcode(code, insists=True)


@pytest.mark.parametrize("digits", range(6, 11))
def test_generated_ones_are_strong_and_differ(digits: int) -> None:
    codes = {generate_passcode(digits).reveal() for _ in range(50)}
    assert len(codes) > 45
    assert all(len(code) == digits and not check_passcode(code) for code in codes)


@pytest.mark.parametrize("digits", [0, 5, 11])
def test_generated_ones_have_6_to_10_digits(digits: int) -> None:
    with pytest.raises(PasscodeError):
        generate_passcode(digits)


def test_passwords() -> None:
    first, second = generate_password(), generate_password()
    assert first != second
    check_password(first)
    for bad in ("short", "a" * 20, "x" * 300):
        with pytest.raises(PasscodeError):
            check_password(bad)


async def test_hash_and_match() -> None:
    hasher = PasscodeHasher(b"p" * 32, **CHEAP)
    hashed, again = await hasher.hash("2468"), await hasher.hash("2468")
    assert hashed.startswith("$argon2id$")
    assert hashed != again
    assert "2468" not in hashed.split("$")[-1]
    assert await hasher.match("2468", (hashed, None, again, "not a hash")) == (True, False, True, False)
    assert await hasher.match("2469", (hashed,)) == (False,)
    assert await hasher.match("", (hashed, None)) == (False, False)
    assert not await hasher.verify("2468", None)
    hasher.close()


async def test_pepper_matters() -> None:
    hashed = await PasscodeHasher(b"p" * 32, **CHEAP).hash("2468")
    assert not await PasscodeHasher(b"q" * 32, **CHEAP).verify("2468", hashed)


async def test_rehash_is_wanted_after_new_parameters() -> None:
    hasher = PasscodeHasher(b"p" * 32, **CHEAP)
    hashed = await hasher.hash("2468")
    assert not hasher.needs_rehash(hashed)
    assert PasscodeHasher(b"p" * 32, memory_kib=128, iterations=1).needs_rehash(hashed)


async def test_any_text_is_hashed() -> None:
    hasher = PasscodeHasher(b"p" * 32, **CHEAP)
    for text in ("病房", "\ud800", "\x00", "x" * 10_000):
        assert await hasher.verify(text, await hasher.hash(text))


async def test_unknown_rooms_cost_as_much() -> None:
    hasher = PasscodeHasher(b"p" * 32, memory_kib=4096, iterations=2)
    hashed = await hasher.hash("2468")
    await hasher.match("1", (None,))

    async def cost(hashes: tuple[str | None, ...]) -> float:
        start = time.perf_counter()
        await hasher.match("1357", hashes)
        return time.perf_counter() - start

    # The quickest of many: other programs on this machine only ever make it slower.
    pairs = [(await cost((hashed, hashed)), await cost((None, None))) for _ in range(12)]
    known, unknown = (min(times) for times in zip(*pairs, strict=True))
    assert 0.5 < known / unknown < 2.0


async def test_at_most_n_at_once_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = PasscodeHasher(b"p" * 32, **CHEAP, at_once=2, max_waiting=3)
    release, running, most = threading.Event(), 0, 0
    lock = threading.Lock()
    real = PasscodeHasher._work

    def slow(self: PasscodeHasher, *args: object) -> list[str]:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        release.wait(10)
        with lock:
            running -= 1
        return real(self, *args)  # type: ignore[arg-type]  # handed through

    monkeypatch.setattr(PasscodeHasher, "_work", slow)
    jobs = [asyncio.create_task(hasher.hash(str(number))) for number in range(5)]
    await asyncio.sleep(0.05)
    assert (running, hasher.pending) == (2, 5)
    with pytest.raises(HasherBusy):
        await hasher.hash("one too many")
    # A caller who hangs up does not make room while the thread still works for them.
    jobs[0].cancel()
    await asyncio.sleep(0)
    assert hasher.pending == 5
    release.set()
    await asyncio.gather(*jobs, return_exceptions=True)
    await asyncio.sleep(0.01)
    assert most == 2
    assert hasher.pending == 0
    assert await hasher.verify("a", await hasher.hash("a"))
