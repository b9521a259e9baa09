"""Where the secret of a command may come from: a prompt, a file or the environment, never an argument."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from crypto.secret import Secret
from drumtower.administration import secret_from_environment, secret_from_file, secret_from_prompt


@dataclass(frozen=True, slots=True)
class SecretSources:
    """Options of one secret: --WORD-prompt, --WORD-file and --WORD-env."""

    word: str
    """What it is called: "password", "guest-passcode"."""
    variable: str
    """Of the environment."""
    is_new: bool = True
    """It is chosen here: a prompt asks for it twice."""

    @property
    def rule(self) -> str:
        """For the help of the command."""
        return f"{self.word}s come from a prompt, a file or the environment ({self.variable}), never from an argument"

    def add_to(
        self, parser: argparse.ArgumentParser | argparse._ArgumentGroup, prompt_help: str = "ask for it", *,
        is_needed: bool = False,
    ) -> argparse._MutuallyExclusiveGroup:  # fmt: skip
        """The options; what else may stand in their place is added to what is returned."""
        one = parser.add_mutually_exclusive_group(required=is_needed)
        one.add_argument(f"--{self.word}-prompt", action="store_true", help=prompt_help)
        one.add_argument(f"--{self.word}-file", metavar="FILE", help='first line of FILE ("-": standard input)')
        one.add_argument(f"--{self.word}-env", action="store_true", help=f"take it from {self.variable}")
        return one

    def given(self, options: argparse.Namespace) -> Secret | None:
        """The secret, None where no option named a source. Raises CommandError, OSError."""
        name = self.word.replace("-", "_")
        path = getattr(options, f"{name}_file")
        if path is not None:
            return secret_from_file(path)
        if getattr(options, f"{name}_env"):
            return secret_from_environment(self.variable)
        return self.asked_for() if getattr(options, f"{name}_prompt") else None

    def asked_for(self) -> Secret:
        """From a prompt. Raises CommandError."""
        return secret_from_prompt(self.word.replace("-", " "), is_new=self.is_new)
