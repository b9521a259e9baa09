"""Calls of H.323 as legs of conferences: from Setup to a room."""
