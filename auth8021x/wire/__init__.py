"""EAPOL, EAP and RADIUS as they are on the wire. Pure."""
