"""The portal: sign-in, REST API v1, WebSocket events and the administrator's pages, on aiohttp."""
