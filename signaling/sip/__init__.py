"""SIP (RFC 3261) and SDP (RFC 8866): pure cores, and thin asyncio shells around them."""
