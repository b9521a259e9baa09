"""Errors of the API as problem details (RFC 9457): every answer that is not a success has a code and a title."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from signaling.placed import Outcome

PROBLEM_TYPE = "application/problem+json"


class PortalError(Exception):
    """Base of what a handler may raise; `code` is stable and is what pages translate."""

    code = "internal-error"
    status = HTTPStatus.INTERNAL_SERVER_ERROR

    def __init__(self, detail: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})
        self.fields: dict[str, str] = {}


class BadRequest(PortalError):
    """The request line, a header or the query cannot be understood."""

    code, status = "bad-request", HTTPStatus.BAD_REQUEST


class BadJson(PortalError):
    """The body is not JSON in UTF-8."""

    code, status = "bad-json", HTTPStatus.BAD_REQUEST


class NotSignedIn(PortalError):
    """There is no session, or it ended."""

    code, status = "not-signed-in", HTTPStatus.UNAUTHORIZED


class SignInFailed(PortalError):
    """User unknown, password wrong or account disabled: one answer for all."""

    code, status = "sign-in-failed", HTTPStatus.UNAUTHORIZED


class Forbidden(PortalError):
    """The role of this session lacks the right."""

    code, status = "forbidden", HTTPStatus.FORBIDDEN


class CrossSite(PortalError):
    """The Origin header or the CSRF token is not ours."""

    code, status = "cross-site", HTTPStatus.FORBIDDEN


class PasswordChangeRequired(PortalError):
    """The one-time password opens nothing but the change of it."""

    code, status = "password-change-required", HTTPStatus.FORBIDDEN


class NotFound(PortalError):
    """There is nothing at this address."""

    code, status = "not-found", HTTPStatus.NOT_FOUND


class MethodNotAllowed(PortalError):
    """The address exists, but not for this method."""

    code, status = "method-not-allowed", HTTPStatus.METHOD_NOT_ALLOWED


class Conflict(PortalError):
    """The state of the resource does not allow this now."""

    code, status = "conflict", HTTPStatus.CONFLICT


class RoomExists(Conflict):
    """The number is taken."""

    code = "room-exists"

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"number": "taken"}


class TerminalExists(Conflict):
    """The alias is taken."""

    code = "terminal-exists"

    def __init__(self) -> None:
        super().__init__()
        self.fields = {"alias": "taken"}


class RoomRunning(Conflict):
    """A conference is running in the room."""

    code = "room-running"


class NotRunning(Conflict):
    """No conference is running in the room."""

    code = "not-running"


class RecordingOff(Conflict):
    """The room's policy forbids recording."""

    code = "recording-off"


class NoCamera(Conflict):
    """The terminal has no camera that can be moved from here, or not so."""

    code = "no-camera"


class TooManyLayouts(Conflict):
    """The room shows as many layouts already as it can beside that of all."""

    code = "too-many-layouts"


class RoomFull(Conflict):
    """The other room has no free seat."""

    code = "room-full"


class LockTooWeak(Conflict):
    """The other room asks for better encryption than this connection has."""

    code = "lock-too-weak"


class Elsewhere(Conflict):
    """The other room runs in other processes: only a new call gets there."""

    code = "room-elsewhere"


class CallRefused(Conflict):
    """Nobody is called; what is wrong with the target is the code of its field."""

    code = "dial-refused"

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.fields = {"target": str(outcome)}


class Outdated(PortalError):
    """Somebody else has changed it since it was read (If-Match, RFC 9110 13.1.1)."""

    code, status = "outdated", HTTPStatus.PRECONDITION_FAILED


class BodyTooLarge(PortalError):
    """The body is larger than the limit."""

    code, status = "body-too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class WrongMediaType(PortalError):
    """The body is not announced as application/json."""

    code, status = "wrong-media-type", HTTPStatus.UNSUPPORTED_MEDIA_TYPE


class RangeNotSatisfiable(PortalError):
    """The range starts after the end (RFC 9110 14.4)."""

    code, status = "range-not-satisfiable", HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE


class Invalid(PortalError):
    """The body is JSON, but a field has a value that is not allowed; `fields` maps its name to a reason code."""

    code, status = "invalid", HTTPStatus.UNPROCESSABLE_ENTITY

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in fields.items()))
        self.fields = dict(fields)


class TooManyTries(PortalError):
    """Too many failures of this user or source; try later."""

    code, status = "too-many-tries", HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, retry_after_s: float) -> None:
        super().__init__(headers={"Retry-After": str(max(1, round(retry_after_s)))})


class Unavailable(PortalError):
    """A part that is needed does not work now."""

    code, status = "unavailable", HTTPStatus.SERVICE_UNAVAILABLE


class DiskFull(Unavailable):
    """The disk of the recordings has too little left."""

    code = "disk-full"


class FieldError(msgspec.Struct, frozen=True):
    """One field of a request that was refused."""

    field: str
    code: str


class Problem(msgspec.Struct, frozen=True):
    """The body of an error answer (RFC 9457 3.1 with `code`, `errors` and `request_id` as extensions)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: tuple[FieldError, ...] = ()


def problem_of(error: PortalError, language: str, request_id: str) -> Problem:
    """What the peer is told of `error`, its title in `language` ("en" or "zh-CN")."""
    english, chinese = _TITLES.get(error.code, _TITLES["internal-error"])
    return Problem(
        type=f"urn:drumtower:problem:{error.code}",
        title=chinese if language == "zh-CN" else english,
        status=int(error.status),
        code=error.code,
        detail=error.detail,
        request_id=request_id,
        errors=tuple(FieldError(name, reason) for name, reason in error.fields.items()),
    )


def preferred_language(accept_language: str) -> str:
    """The first of "zh-CN" and "en" that the header names, "en" without any (RFC 9110 12.5.4, weights ignored)."""
    for tag in accept_language[:256].lower().split(","):
        primary = tag.strip().split(";")[0].split("-")[0]
        if primary in ("zh", "en"):
            return "zh-CN" if primary == "zh" else "en"
    return "en"


_TITLES = {
    "internal-error": ("Something went wrong on our side", "服务器出现内部错误"),
    "bad-request": ("The request cannot be understood", "无法理解该请求"),
    "bad-json": ("The body is not valid JSON", "请求内容不是有效的 JSON"),
    "not-signed-in": ("Sign in first", "请先登录"),
    "sign-in-failed": ("User name or password is wrong", "用户名或密码错误"),
    "forbidden": ("Your role does not allow this", "您的角色无权执行此操作"),
    "cross-site": ("The request did not come from this site", "请求并非来自本站"),
    "password-change-required": ("Choose a new password first", "请先设置新密码"),
    "not-found": ("There is nothing here", "未找到该内容"),
    "method-not-allowed": ("This cannot be done here", "此处不支持该操作"),
    "conflict": ("This is not possible now", "当前无法执行此操作"),
    "room-exists": ("This room number is taken", "该会议室号码已被使用"),
    "terminal-exists": ("This user name is taken", "该用户名已被使用"),
    "room-running": ("A conference is running in this room", "该会议室正在开会"),
    "not-running": ("No conference is running in this room", "该会议室当前没有会议"),
    "no-camera": ("This camera cannot be moved from here", "无法从这里控制该摄像机"),
    "room-full": ("The other room is full", "对方会议室已满"),
    "lock-too-weak": ("The other room asks for better encryption", "对方会议室要求更强的加密"),
    "room-elsewhere": ("The other room can be reached by a new call only", "只能通过重新呼叫进入对方会议室"),
    "too-many-layouts": ("The room shows too many layouts already", "会议室中不同的布局已达上限"),
    "recording-off": ("This room is never recorded", "该会议室不允许录制"),
    "outdated": ("Somebody else has changed this meanwhile", "该内容已被他人修改"),
    "body-too-large": ("The body is too large", "请求内容过大"),
    "wrong-media-type": ("The body must be application/json", "请求内容必须为 application/json"),
    "range-not-satisfiable": ("The range lies outside the recording", "请求范围超出录像长度"),
    "invalid": ("Some fields need another value", "部分字段的值无效"),
    "too-many-tries": ("Too many tries; wait a moment", "尝试次数过多，请稍后再试"),
    "dial-refused": ("Nobody is called", "未能发起呼叫"),
    "disk-full": ("The disk is full; nothing can be recorded", "磁盘已满，无法录制"),
    "unavailable": ("This part does not work at the moment", "该功能暂时不可用"),
}
