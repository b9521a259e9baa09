"""What a login costs without sockets: the terminals get in, and each event has a figure."""

import re

import pytest

from bench import dot1x_cores


async def test_every_login_succeeds_and_is_timed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(dot1x_cores.interpreter, "settle", lambda: None)
    monkeypatch.setattr(dot1x_cores, "_WARM_UP", 2)
    await dot1x_cores.main(30)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "authenticator, EAP-MD5", "authenticator, PEAP-MSCHAPv2", "RADIUS server, EAP-MD5",
    ]  # fmt: skip
    assert re.findall("Start|Identity|Challenge|Response|Accept", lines[0]) == [
        "Start", "Identity", "Challenge", "Response", "Accept",
    ]  # fmt: skip


def test_the_lowest_decile_is_what_counts():
    watch = dot1x_cores.Stopwatch()
    watch._spans["Start"] = [2000] * 50 + [9000] * 50
    assert watch.report("x", 100) == "x: 2.0 us a login (Start 2.0)"
