"""The gatekeeper (H.225.0 7, H.323 7.2): who is registered, and who may call whom with how much bandwidth."""
