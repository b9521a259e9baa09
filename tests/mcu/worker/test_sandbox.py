"""The sandbox, in a child process that gives up its rights and then tries what it may not do and what it must do."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import pytest

from mcu.worker.sandbox import filter_program
from mcu.worker.syscalls import ARCHITECTURES

pytestmark = pytest.mark.skipif(platform.machine() not in ARCHITECTURES, reason="no filter for this architecture")

_CHILD = r"""
import ctypes, errno, fractions, glob, json, os, resource, socket, subprocess, threading
from pathlib import Path
import av, numpy as np
from mcu.worker.sandbox import confine

def codec_round(encoder, decoder, options):
    out = av.CodecContext.create(encoder, "w")
    out.width, out.height, out.pix_fmt, out.time_base = 320, 180, "yuv420p", fractions.Fraction(1, 25)
    out.options = options
    into = av.CodecContext.create(decoder, "r")
    frames = 0
    for n in range(5):
        frame = av.VideoFrame.from_ndarray(np.full((270, 320), 40 * n, np.uint8), format="yuv420p")
        frame.pts = n
        for packet in out.encode(frame):
            frames += len(into.decode(av.Packet(bytes(packet))))
    for packet in out.encode(None):
        frames += len(into.decode(av.Packet(bytes(packet))))
    return frames

libs = Path(av.__file__).parent.parent / "av.libs"
opus = ctypes.CDLL(str(next(libs.glob("libopus*"))))
opus.opus_encoder_create.restype = ctypes.c_void_p
left, right = socket.socketpair()
running = threading.Event(); go = threading.Event(); early = []
def early_thread():
    running.set(); go.wait()
    early.append(attempt(lambda: open("/etc/hostname")))
def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode.get(error.errno, "?")
    except Exception as error:
        return type(error).__name__
    return "ok"
thread = threading.Thread(target=early_thread); thread.start(); running.wait()
result = {"missing": confine(1 << 30)}
go.set(); thread.join()
result["early_thread"] = early[0]
result["open"] = attempt(lambda: open("/etc/hostname"))
result["write"] = attempt(lambda: open("/tmp/never", "w"))
result["udp"] = attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
result["unix"] = attempt(lambda: socket.socketpair())
result["unlink"] = attempt(lambda: os.unlink("/tmp/never"))
result["fork"] = attempt(os.fork)
result["exec"] = attempt(lambda: os.execv("/bin/true", ["true"]))
result["spawn"] = attempt(lambda: subprocess.run(["/bin/true"]))
result["kill"] = attempt(lambda: os.kill(os.getppid(), 0))
result["kill_self"] = attempt(lambda: os.kill(os.getpid(), 0))
result["core"] = resource.getrlimit(resource.RLIMIT_CORE)[0]
def too_much():
    return bytearray(2 << 30)
result["memory"] = attempt(too_much)
found = {}
def work(name, *args):
    try:
        found[name] = codec_round(*args)
    except Exception as error:
        found[name] = repr(error)
threads = [
    threading.Thread(target=work, args=("h264", "libx264", "h264", {"tune": "zerolatency", "preset": "superfast"})),
    threading.Thread(target=work, args=("vp8", "libvpx", "vp8", {"deadline": "realtime", "lag-in-frames": "0"})),
]
for each in threads: each.start()
for each in threads: each.join()
result |= found
code = ctypes.c_int()
encoder = opus.opus_encoder_create(48000, 1, 2048, ctypes.byref(code))
pcm = (ctypes.c_int16 * 960)(); packet = ctypes.create_string_buffer(1500)
result["opus"] = opus.opus_encode(ctypes.c_void_p(encoder), pcm, 960, packet, 1500) > 0
left.send(b"x"); result["channel"] = right.recv(1).decode()
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def outcome() -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_everything_is_applied_here(outcome: dict[str, object]) -> None:
    assert outcome["missing"] == []


@pytest.mark.parametrize(
    "action", ["open", "write", "udp", "unix", "unlink", "fork", "exec", "spawn", "kill", "early_thread"]
)
def test_is_refused(outcome: dict[str, object], action: str) -> None:
    assert outcome[action] == "EPERM"


def test_limits_hold(outcome: dict[str, object]) -> None:
    assert outcome["memory"] == "MemoryError"
    assert outcome["core"] == 0
    assert outcome["kill_self"] == "ok"


@pytest.mark.parametrize(("what", "value"), [("h264", 5), ("vp8", 5), ("opus", True), ("channel", "x")])
def test_work_goes_on(outcome: dict[str, object], what: str, value: object) -> None:
    assert outcome[what] == value


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_jumps_stay_inside_the_program(name: str) -> None:
    program = filter_program(ARCHITECTURES[name], 1234)
    assert len(program) < 4096  # BPF_MAXINSNS
    for index, (code, when_true, when_false, _) in enumerate(program):
        if code in (0x15, 0x35, 0x45):
            assert index + 1 + max(when_true, when_false) < len(program)
    assert program[-1][0] == 0x06
