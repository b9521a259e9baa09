"""Ending programs that a test has started."""

from __future__ import annotations

import asyncio
import subprocess


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end, and see to it after 5 s."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


async def said_by(process: asyncio.subprocess.Process, patience_s: float | None = None) -> tuple[bytes, bytes]:
    """What a program says to its end, as communicate() does. Who is cancelled or impatient ends it."""
    try:
        return await asyncio.wait_for(process.communicate(), patience_s)
    finally:
        # Public methods end the program, but not our ends of its pipes: these would outlive their loop.
        process._transport.close()
        await process.wait()


async def cancelled(task: asyncio.Task[object]) -> None:
    """Cancel it, and wait until it has tidied up."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
