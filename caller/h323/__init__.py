"""Our own terminal over H.323: what no terminal that can be installed has, it can do (H.235.6, H.239, H.243)."""
