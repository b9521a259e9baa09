"""Our own terminal: dials in, plays, listens, records, measures. For newcomers, site tests and load."""
