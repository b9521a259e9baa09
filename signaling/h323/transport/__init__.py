"""TCP connections of call signalling and of H.245 (H.225.0 appendix IV), and the calls on them."""
