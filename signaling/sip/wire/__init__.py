"""Messages on the wire (RFC 3261 7, 20, 25): reading, checking and writing them."""
