"""`drumtower doctor` on the command line; what it looks at is loaded when it is asked for."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import asdict

from config.settings import Settings


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "doctor",
        help="check this machine and the settings",
        description="Look at addresses, ports, TURN servers, disk, clock, fonts, codecs, capacity, keys, certificates, "
        "database.",
        epilog="exit status: 0 nothing failed (there may be warnings); 1 something must be mended",
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=run)


def run(options: argparse.Namespace, settings: Settings) -> int:
    """Print all findings; 1 when one of them is a failure."""
    from drumtower.checks.finding import Level
    from drumtower.doctor import examine

    findings = list(examine(settings))
    if options.json:
        print(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            print(f"{finding.level:<5} {finding.check:<12} {finding.text}")
            if finding.advice:
                print(f"{'':<18} -> {finding.advice}")
        counts = Counter(finding.level for finding in findings)
        print(f"\n{counts[Level.OK]} in order, {counts[Level.WARN]} to look at, {counts[Level.FAIL]} to mend")
    return int(any(finding.level is Level.FAIL for finding in findings))
