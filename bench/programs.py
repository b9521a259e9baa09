"""The C programs of bench/native, compiled where they are needed: the load generator and the floor of `room`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import av

_SOURCES = Path(__file__).with_name("native")
_LIBRARIES = {"load": ("-lsrtp2",), "floor": ("-lsrtp2", "-lopus")}


class ToolError(RuntimeError):
    """The compiler or a library is missing."""


def build(name: str, folder: Path) -> Path:
    """Compile `name` into `folder`, once; `scripts/bench.sh` installs what that takes. Raises ToolError."""
    program = folder / name
    if program.exists():
        return program
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise ToolError("missing: a C compiler")
    command = [compiler, "-O2", "-Wall", "-o", str(program), str(_SOURCES / f"{name}.c"), *_LIBRARIES[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"{name}.c does not compile: {done.stderr.strip().splitlines()[0][:200]}")
    return program


def environment(folder: Path) -> dict[str, str]:
    """In which a program of ours runs on the libopus that the server uses, the one inside PyAV's wheel."""
    bundled = sorted((Path(av.__file__).parent.parent / "av.libs").glob("libopus-*.so*"))
    if bundled:
        link = folder / "lib" / "libopus.so.0"
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(bundled[0])
        return dict(os.environ, LD_LIBRARY_PATH=str(link.parent))
    return dict(os.environ)
