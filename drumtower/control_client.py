"""The running server, as commands reach it: the REST API over its control socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import aiohttp

from drumtower.administration import CommandError
from drumtower.control_socket import reachable

_TIMEOUT_S: Final = 15.0
_BASE: Final = "http://localhost/api/v1"


class ControlClient:
    """Asks the server that runs with the data directory `data`; every call raises CommandError where it refuses."""

    def __init__(self, data: Path) -> None:
        self._data = data

    async def get(self, path: str) -> Any:
        """What the server answers, from JSON."""
        return await self.ask("GET", path)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """The same with another method; None where it answers nothing."""
        try:
            with reachable(self._data) as socket:
                return await self._ask(socket, method, path, body)
        except (FileNotFoundError, aiohttp.ClientConnectorError):
            raise CommandError(
                f"no server runs with the data directory {self._data}; start it by `drumtower serve`"
            ) from None
        except TimeoutError:
            raise CommandError(f"the server has not answered for {_TIMEOUT_S:.0f} s") from None
        except aiohttp.ClientError as error:
            raise CommandError(f"the server ended the conversation: {error}") from None

    async def _ask(self, socket: str, method: str, path: str, body: object) -> Any:
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(socket), timeout=timeout) as session,
            session.request(method, _BASE + path, json=body) as answer,
        ):
            found = await answer.json(content_type=None) if answer.content_length != 0 else None
            if answer.status >= 400:
                raise CommandError(_reason(found, answer.status))
            return found


def _reason(problem: object, status: int) -> str:
    """The sentence of a problem (RFC 9457), with the fields that were wrong."""
    if not isinstance(problem, dict):
        return f"the server answered {status}"
    wrong = [f"{each.get('field')}: {each.get('code')}" for each in problem.get("errors", ()) if isinstance(each, dict)]
    return ": ".join([str(problem.get("title", status)), *([", ".join(wrong)] if wrong else [])])
