"""The command line: secrets from elsewhere, exit codes, JSON."""

import argparse
import json

import pytest

from caller import cli
from caller.h323.options import Encryption, H323Options, PasscodeWay
from caller.report import CallReport, H323Report, StreamReport
from mcu.media import Codec


def parsed(*arguments, address="sip:1001@127.0.0.1"):
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args([address, *arguments])


def test_passcode_from_file_environment_and_prompt(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(cli.PASSCODE_VARIABLE, "1111")
    assert cli._options(parsed()).passcode == "1111"
    path = tmp_path / "passcode"
    path.write_text("2222\nsecond line\n")
    assert cli._options(parsed("--passcode-file", str(path))).passcode == "2222"
    monkeypatch.setattr(cli.getpass, "getpass", lambda _: " 3333 ")
    assert cli._options(parsed("--passcode-prompt")).passcode == "3333"
    assert cli._options(parsed()).passcode == "", "no child process inherits it"


def test_there_is_no_argument_for_a_passcode(capsys) -> None:
    for argument in ("--passcode=1234", "--passcode"):
        with pytest.raises(SystemExit):
            parsed(argument, "1234")
    capsys.readouterr()


@pytest.mark.parametrize("arguments", [
    ("--size", "640"), ("--size", "641x360"), ("--seconds", "-1"), ("--count", "9999"), ("--tone", "x"),
    ("--passcode-file", "/nonexistent"), ("--play", "/nonexistent"), ("--count", "2", "--record", "x.mp4"),
])  # fmt: skip
def test_wrong_use_is_told_and_gives_2(arguments, capsys, monkeypatch) -> None:
    monkeypatch.setenv(cli.PASSCODE_VARIABLE, "9753")
    assert cli.run(parsed(*arguments)) == 2
    message = capsys.readouterr().err
    assert message.startswith("drumtower call: ")
    assert "9753" not in message


@pytest.mark.parametrize(("outcome", "code"), [("ok", 0), ("refused", 1), ("no-media", 3), ("lost", 4)])
def test_report_and_exit_code(outcome, code, capsys, monkeypatch) -> None:
    report = CallReport(outcome, 200, "OK", ended_by="us", streams={"video": StreamReport("H264", "", first_s=0.5)})

    async def called(*_):
        return [report]

    monkeypatch.setattr("caller.calls.place_calls", called)
    assert cli.run(parsed("--json")) == code
    document = json.loads(capsys.readouterr().out)
    assert document["calls"][0]["outcome"] == outcome
    assert document["summary"]["calls"] == 1
    assert cli.run(parsed()) == code
    assert capsys.readouterr().out.startswith(outcome)


H323 = "h323:1001@127.0.0.1"


def test_an_h323_address_has_defaults_of_its_own() -> None:
    sip, h323 = cli._options(parsed()), cli._options(parsed(address=H323))
    assert (sip.audio, h323.audio, sip.is_h323, h323.is_h323) == (Codec.OPUS, Codec.G722, False, True)
    assert h323.h323 == H323Options()
    for name, codec in (("h263", Codec.H263), ("h263-1996", Codec.H263_1996), ("h261", Codec.H261)):
        old = cli._options(parsed("--video", name, "--audio", "pcma", address=H323))
        assert (old.video, old.audio, old.width, old.height) == (codec, Codec.PCMA, 352, 288)


def test_what_h323_may_be_asked_for(monkeypatch) -> None:
    monkeypatch.setenv(cli.PASSWORD_VARIABLE, "quiet lantern")
    options = cli._options(
        parsed(
            "--encryption", "required", "--key-bits", "128,192", "--dh-groups", "2048", "--renew-keys", "2.5",
            "--steal", "--h245-master", "--no-tunnelling", "--fast-start", "--passcode-by", "h243",
            "--present", "#102030", "--rate", "768", "--account", "ward3",
            address=H323,
        )
    ).h323  # fmt: skip
    assert options == H323Options(
        Encryption.REQUIRED, (128, 192), (2048,), is_master=True, is_tunnelling=False, has_fast_start=True,
        passcode_way=PasscodeWay.H243, slides="#102030", rate_bps=768_000, renew_keys_s=2.5, account="ward3",
        password="quiet lantern", steals=True,
    )  # fmt: skip
    assert "quiet" not in repr(options)
    assert cli._options(parsed("--present", address=H323)).h323.slides == "#e8e4d0"
    assert cli._options(parsed("--account", "ward3", address=H323)).h323.password == "", "no child inherits it"


@pytest.mark.parametrize("arguments", [
    ("--key-bits", "128,x"), ("--key-bits", "64"), ("--dh-groups", "768"), ("--rate", "1"), ("--account", "ward3"),
    ("--audio", "opus"), ("--video", "vp8"), ("--video", "h263", "--size", "640x360"),
    ("--video", "h261", "--size", "640x360"), ("--present", "red"),
])  # fmt: skip
def test_wrong_use_of_h323_is_told(arguments, capsys) -> None:
    assert cli.run(parsed(*arguments, address=H323)) == 2
    assert capsys.readouterr().err.startswith("drumtower call: ")


def test_the_report_says_what_h323_did(capsys, monkeypatch) -> None:
    details = H323Report(is_tunnelling=True, group_bits=2048, is_signed=True)
    report = CallReport(
        "ok", 88, "securityDenied", ended_by="peer", streams={"content": StreamReport("H264", "AES-256-CBC")},
        h323=details,
    )  # fmt: skip

    async def called(*_):
        return [report]

    monkeypatch.setattr("caller.calls.place_calls", called)
    assert cli.run(parsed(address=H323)) == 0
    printed = capsys.readouterr().out
    for word in ("ended by peer (securityDenied)", "content: H264, AES-256-CBC", "slave, tunnelling", "2048", "signed"):
        assert word in printed
    assert cli.run(parsed("--json", address=H323)) == 0
    assert json.loads(capsys.readouterr().out)["calls"][0]["h323"]["group_bits"] == 2048
