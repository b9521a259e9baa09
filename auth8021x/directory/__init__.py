"""The directory of admitted devices: which session is behind an address of a site."""
