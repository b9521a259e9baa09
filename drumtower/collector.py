"""Python's garbage collector, told what kind of program this is."""

from __future__ import annotations

import gc

_THRESHOLDS = (20_000, 20, 50)


def calm() -> None:
    """What was made until now stays; cycles among what is made later are looked for less often.

    A server keeps its modules and tables for ever and makes many short-lived values for each message, hardly any of
    them in cycles: the default of 700 costs a quarter of the time that a call takes (`bench sip`).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
