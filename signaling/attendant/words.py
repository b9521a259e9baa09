"""What the attendant shows, in Chinese and English at once, because nobody has chosen a language yet."""

from __future__ import annotations

from mcu.worker.messages import Panel
from signaling.refusal import Refusal, WaitReason


def room_panel(entry: str, note: str = "") -> Panel:
    """The question for the room, with what was keyed in so far."""
    return Panel("请输入会议室号码，按 # 键", ("Enter the room number, then #",), entry, note)


def passcode_panel(room: str, dots: str, note: str = "") -> Panel:
    """The passcode, of which only dots are shown."""
    return Panel("请输入会议密码，按 # 键", ("Enter the passcode, then #", f"会议室  Room  {room}"), dots, note)


def checking_panel(entry: str) -> Panel:
    """The gate is being asked."""
    return Panel("请稍候", ("One moment, please",), entry)


def waiting_panel(room: str, reason: WaitReason) -> Panel:
    """Outside the room."""
    title, line = _WAITING[reason]
    return Panel(title, (line, f"会议室  Room  {room}"))


def goodbye_panel(note: str) -> Panel:
    """The end, and why."""
    return Panel("再见", ("Goodbye",), "", note)


def note_of(refusal: Refusal) -> str:
    """What went wrong, in a line."""
    return _NOTES[refusal]


NO_ENTRY = "没有收到按键  No digits were received"

_WAITING = {
    WaitReason.HOST: ("请等待主持人", "Please wait for the host"),
    WaitReason.LOCKED: (
        "会议已锁定，请等待主持人允许您进入",
        "The room is locked; please wait until the host lets you in",
    ),
}
_NOTES = {
    Refusal.UNKNOWN_ROOM: "没有这个会议室  There is no such room",
    Refusal.PASSCODE_REQUIRED: "密码已更改  The passcode has changed",
    Refusal.PASSCODE_WRONG: "密码错误  Wrong passcode",
    Refusal.TOO_MANY_TRIES: "错误次数过多  Too many wrong tries",
    Refusal.SLOW_DOWN: "尝试过于频繁，请稍后再试  Too many tries, please call again later",
    Refusal.LOCKED: "会议已锁定  The room is locked",
    Refusal.FULL: "会议室已满  The room is full",
    Refusal.ENCRYPTION_REQUIRED: "此会议室要求加密通话  This room requires an encrypted call",
    Refusal.CAPACITY: "系统繁忙，请稍后再试  The system is busy, please try again later",
    Refusal.HOST_ABSENT: "主持人没有到场  The host did not come",
    Refusal.NOT_LET_IN: "主持人没有让您进入  The host did not let you in",
    Refusal.NETWORK: "设备未通过网络认证  The network does not know this device",
}


def menu_panel(lines: tuple[str, ...], note: str = "") -> Panel:
    """What the keys of a remote control do inside a room."""
    return Panel("遥控菜单  Menu", lines, "", note)


def host_panel(dots: str, note: str = "") -> Panel:
    """The host passcode, of which only dots are shown."""
    return Panel("请输入主持人密码，按 # 键", ("Enter the host passcode, then #", "*  返回  Back"), dots, note)
