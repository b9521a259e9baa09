"""The media of one H.323 call: which channels are opened, taken and encrypted, and the streams that come of them."""
