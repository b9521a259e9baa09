"""The embedded RADIUS server and its EAP methods, for clinics that have none. Cores, but for udp.py and contexts.py."""
