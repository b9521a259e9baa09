"""Far-end camera control: ITU-T H.281 over H.224, the same for SIP (RFC 4573) and H.323 (Annex Q)."""
