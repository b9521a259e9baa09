"""The gate: whether whoever calls from an address may, as far as 802.1X is concerned."""
