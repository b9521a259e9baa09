"""Takes away from a process what it does not need: core dumps, new privileges, memory, and most system calls.

Video and audio processes decode what strangers send. After confine() they keep the descriptors and memory that they
have, may start threads, and can open neither file nor socket. Import and load everything first.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import struct

from mcu.worker.syscalls import ARCHITECTURES, CLONE3, X32_BIT, Architecture

_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_TSYNC = 1
_CLONE_THREAD = 0x00010000

# linux/bpf_common.h, linux/seccomp.h
_LOAD_WORD = 0x20
_JUMP_EQUAL = 0x15
_JUMP_GREATER_OR_EQUAL = 0x35
_JUMP_SET = 0x45
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_ERRNO = 0x00050000
_KILL = 0x80000000
_OFFSET_NUMBER = 0
_OFFSET_ARCHITECTURE = 4
_OFFSET_FIRST_ARGUMENT = 16  # its lower half; both architectures are little-endian

_Instruction = tuple[int, int, int, int]
"""Code, offset when true, offset when false, operand (struct sock_filter)."""


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def harden_keys_process() -> list[str]:
    """No core dumps and no reading of our memory by other processes of the same user; for where keys live.

    Returns what could not be applied.
    """
    missing: list[str] = []
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (OSError, ValueError):
        missing.append("core-limit")
    if not _prctl(_PR_SET_DUMPABLE, 0):
        missing.append("not-dumpable")
    return missing


def confine(memory_bytes: int = 0) -> list[str]:
    """Everything for a process that decodes what strangers send; `memory_bytes` bounds its data (0: no bound).

    Holds for all threads, those that run already included. Returns what could not be applied: on other systems than
    Linux, or inside a container that forbids it, that may be all of it.
    """
    missing = harden_keys_process()
    if memory_bytes:
        try:
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        except (OSError, ValueError):
            missing.append("memory-limit")
    if not _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        missing.append("no-new-privileges")
    architecture = ARCHITECTURES.get(platform.machine())
    if architecture is None or not _install(architecture, filter_program(architecture, os.getpid())):
        missing.append("seccomp")
    return missing


def filter_program(architecture: Architecture, pid: int) -> list[_Instruction]:
    """The seccomp filter: EPERM for what is denied, signals only to `pid` itself, clone() only for threads."""
    refuse = _return(_ERRNO | errno.EPERM)
    program: list[_Instruction] = [
        _load(_OFFSET_ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture.audit_number),
        _return(_KILL),
        _load(_OFFSET_NUMBER),
        (_JUMP_GREATER_OR_EQUAL, 0, 1, X32_BIT),
        refuse,
        (_JUMP_EQUAL, 0, 1, CLONE3),
        _return(_ERRNO | errno.ENOSYS),
    ]
    for number in sorted(architecture.denied.values()):
        program += [(_JUMP_EQUAL, 0, 1, number), refuse]
    program += _when(architecture.clone, (_JUMP_SET, 1, 0, _CLONE_THREAD))
    for number in (architecture.kill, architecture.tgkill):
        program += _when(number, (_JUMP_EQUAL, 1, 0, pid))
    program.append(_return(_ALLOW))
    return program


def _when(number: int, allowed: _Instruction) -> list[_Instruction]:
    """Call `number` is refused unless its first argument passes `allowed`, which skips the refusal."""
    refuse = _return(_ERRNO | errno.EPERM)
    return [(_JUMP_EQUAL, 0, 4, number), _load(_OFFSET_FIRST_ARGUMENT), allowed, refuse, _return(_ALLOW)]


def _load(offset: int) -> _Instruction:
    return (_LOAD_WORD, 0, 0, offset)


def _return(value: int) -> _Instruction:
    return (_RETURN, 0, 0, value)


def _install(architecture: Architecture, program: list[_Instruction]) -> bool:
    code = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = _Program(len(program), ctypes.cast(buffer, ctypes.c_void_p))
    libc = _libc()
    if libc is None:
        return False
    result: int = libc.syscall(
        ctypes.c_long(architecture.seccomp),
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(_SECCOMP_FILTER_FLAG_TSYNC),
        ctypes.byref(header),
    )
    return result == 0


def _prctl(option: int, value: int) -> bool:
    libc = _libc()
    zero = ctypes.c_ulong(0)
    return libc is not None and libc.prctl(ctypes.c_int(option), ctypes.c_ulong(value), zero, zero, zero) == 0


def _libc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None
    return libc if hasattr(libc, "prctl") else None
