"""H.235.6: keys and cipher of encrypted media of H.323."""
