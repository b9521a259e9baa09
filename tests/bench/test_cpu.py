from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench import cpu

_BUSY = "import time\nwhile time.process_time() < 0.15: pass\n"


def test_the_cost_of_a_command_holds_its_children() -> None:
    nested = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {_BUSY!r}], check=True)"
    assert 0.15 <= cpu.cost([sys.executable, "-c", nested]) < 5


def test_what_fails_is_no_cost() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        cpu.cost([sys.executable, "-c", "raise SystemExit(3)"])


def test_a_command_reads_what_it_is_given() -> None:
    cpu.cost([sys.executable, "-c", "import sys; sys.exit(sys.stdin.read() != 'spec')"], b"spec")


def test_a_watch_counts_from_its_beginning_and_forgives_who_is_gone() -> None:
    process = subprocess.Popen([sys.executable, "-c", f"{_BUSY}print(1, flush=True)\ninput()"], stdin=-1, stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    assert process.pid in cpu.tree(os.getpid())
    assert cpu.of([process.pid]) >= 0.14
    watch = cpu.Watch({"busy": [process.pid], "all": [os.getpid(), process.pid]})
    assert watch.used()["busy"] < 0.14 / watch.elapsed_s
    process.communicate(b"\n")
    assert cpu.of([process.pid]) == 0


def test_roles_are_read_from_the_command_line() -> None:
    for module, role in (("mcu.net.process", "net"), ("recorder.process", "recorder"), ("drumtower", "control")):
        process = subprocess.Popen(
            [sys.executable, "-c", "print(1, flush=True); input()", "-m", module], stdin=-1, stdout=-1
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:
            assert cpu.role(process.pid) == role
        finally:
            process.communicate(b"\n")
