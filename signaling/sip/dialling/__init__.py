"""Calls out: whom a target means, forks, REFER."""
