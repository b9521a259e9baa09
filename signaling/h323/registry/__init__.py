"""The gatekeeper and the rest of the server: whose aliases they are, who calls whom, who is registered."""
