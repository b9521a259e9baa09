"""Calls by any protocol: who is calling, the gate, the dial plan, and the protocols themselves."""
