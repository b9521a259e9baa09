"""A running room: who is in it, what they see and hear, and who may change that."""

from mcu.participant import Participant, Role
from mcu.policy import LayoutMode, RecordPolicy, RoomPolicy

__all__ = ["LayoutMode", "Participant", "RecordPolicy", "Role", "RoomPolicy"]
# mcu/layout.py: import LayoutMode from mcu.policy (this module imports layout)
