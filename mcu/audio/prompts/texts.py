"""What each announcement says, by id and language: what make.py speaks, and which ids there are at all."""

from __future__ import annotations

TEXTS = {
    "recording-started": {
        "en": "This conference is now being recorded.",
        "zh": "本次会议现在开始录制。",
    },
    "recording-stopped": {
        "en": "The recording has stopped.",
        "zh": "录制已经停止。",
    },
    "attendant-welcome-room": {
        "en": "Welcome. Please enter the room number, then press pound.",
        "zh": "欢迎使用远程会诊系统。请输入会议室号码，按井号键结束。",
    },
    "attendant-passcode": {
        "en": "Please enter the passcode, then press pound.",
        "zh": "请输入密码，按井号键结束。",
    },
    "attendant-unknown-room": {
        "en": "There is no such room. Please try again.",
        "zh": "没有这个会议室，请重新输入。",
    },
    "attendant-wrong-passcode": {
        "en": "The passcode is wrong.",
        "zh": "密码不正确。",
    },
    "attendant-goodbye": {
        "en": "Goodbye.",
        "zh": "再见。",
    },
    "attendant-too-many-tries": {
        "en": "Too many wrong attempts.",
        "zh": "错误次数过多。",
    },
    "attendant-room-full": {
        "en": "The room is full.",
        "zh": "会议室已满。",
    },
    "attendant-encryption-required": {
        "en": "This room can only be joined over an encrypted connection.",
        "zh": "这个会议室只允许加密接入。",
    },
    "waiting-for-host": {
        "en": "The host has not arrived yet. Please wait; you will be let in.",
        "zh": "主持人还没有到，请稍候，到时会自动让您进入会议室。",
    },
    "waiting-locked": {
        "en": "The room is locked. The host has been told that you are waiting.",
        "zh": "会议室已锁定，已通知主持人您在等候。",
    },
    "not-let-in": {
        "en": "The host did not let you in.",
        "zh": "主持人没有让您进入会议室。",
    },
    "menu": {
        "en": "Press 1 for your microphone, 2 for the layout, 3 to become chair, 4 to raise your hand, 0 to leave.",
        "zh": "开关麦克风请按1，切换布局请按2，申请主席请按3，举手请按4，离开会议请按0。",
    },
    "muted": {
        "en": "You are muted.",
        "zh": "麦克风已关闭。",
    },
    "unmuted": {
        "en": "You are no longer muted.",
        "zh": "麦克风已打开。",
    },
    "hand-raised": {
        "en": "Your hand is raised.",
        "zh": "您已举手。",
    },
    "hand-lowered": {
        "en": "Your hand is lowered.",
        "zh": "您已放下手。",
    },
    "you-are-host": {
        "en": "You now have chair rights.",
        "zh": "您已获得主席权限。",
    },
    "test-room": {
        "en": "This is the test room. You will hear and see yourself after a few seconds.",
        "zh": "这里是测试会议室，几秒钟后您会听到自己的声音，看到自己的画面。",
    },
}
