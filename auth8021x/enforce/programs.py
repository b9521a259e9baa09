"""Running the programs that tell the kernel what to do: ip, bridge, nft."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Sequence
from typing import Final, Protocol

from auth8021x.errors import EnforcementError

_PATH: Final = "/usr/sbin:/sbin:/usr/bin:/bin"
"""Where systems have them; whoever starts us does not choose others."""
_ENVIRONMENT: Final = {"PATH": _PATH, "LC_ALL": "C"}
"""Nothing of ours, where secrets may be; and what they say is understood."""
_MAX_TROUBLE: Final = 200


class Run(Protocol):
    """How drivers run a program: `run`, or something else in tests."""

    async def __call__(self, command: Sequence[str], text: str, patience_s: float) -> bytes:
        """Give it `text` to read; what it wrote. Raises EnforcementError."""


def path_of(program: str) -> str | None:
    """Where it is; None where it is not installed."""
    return shutil.which(program, path=_PATH)


async def run(command: Sequence[str], text: str, patience_s: float) -> bytes:
    """Run a program to its end. Raises EnforcementError where it fails, or takes longer."""
    name = command[0]
    path = path_of(name)
    if path is None:
        raise EnforcementError(f"{name}: not installed")
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(
            path, *command[1:], stdin=pipe, stdout=pipe, stderr=pipe, env=_ENVIRONMENT
        )
    except OSError as error:
        raise EnforcementError(f"{name}: {error}") from error
    try:
        async with asyncio.timeout(patience_s):
            said, trouble = await process.communicate(text.encode())
    except TimeoutError:
        raise EnforcementError(f"{name}: took over {patience_s} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode:
        # Not what it read: interface names and addresses are in there, and much of it.
        raise EnforcementError(f"{name}: {' '.join(trouble.decode(errors='replace').split())[:_MAX_TROUBLE]}")
    return said
