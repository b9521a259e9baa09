"""H.323: packed encoding, RAS, call signalling, H.245 and H.235 of terminals that speak it."""
