"""The other end: an EAP peer, for people who want to know whether a name and a password would get in."""
