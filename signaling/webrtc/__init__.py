"""WebRTC signalling: messages, SDP and the seat of one browser. The WebSocket itself belongs to the portal."""
