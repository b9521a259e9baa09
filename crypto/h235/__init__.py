"""H.235: keys of passwords (H.235.1), keys and cipher of encrypted media (H.235.6)."""
