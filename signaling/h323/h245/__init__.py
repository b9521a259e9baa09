"""H.245: the control protocol of an H.323 call, sans-IO.

Its timers (H.245 annex C) stand with their procedures: T101 capability_exchange, T103 outgoing_channel and
incoming_channel, T105 round_trip, T106 determination, T108 incoming_channel, T109 mode_request. T102 (maintenance
loops), T104 and T107 (multiplex tables of H.223) are of procedures that H.323 calls do not have.
"""
