"""Gatekeeper-routed calls (H.323 7.3, 8.1.3): call signalling of two terminals passes through here, media does not."""
