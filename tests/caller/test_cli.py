"""The command line: secrets from elsewhere, exit codes, JSON."""

import argparse
import json

import pytest

from caller import cli
from caller.report import CallReport, StreamReport


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    return parser.parse_args(["sip:1001@127.0.0.1", *arguments])


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


@pytest.mark.parametrize(("outcome", "code"), [("ok", 0), ("refused", 1), ("no-media", 3)])
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
