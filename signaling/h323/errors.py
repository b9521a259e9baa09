"""What can be wrong with what an H.323 peer sends."""


class MalformedPduError(ValueError):
    """A TPKT, Q.931, RAS, H.225.0, H.245 or H.235 unit that cannot be read; the text says why."""
