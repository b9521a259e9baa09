"""Call signalling of H.323 (H.225.0 7, H.323 8), sans-IO: `call.py` is one call, in or out."""
