"""The conference server: rooms that run, their participants, and the media plane below them."""
