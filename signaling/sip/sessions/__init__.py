"""Dialogs and the sessions in them (RFC 3261 12-14, RFC 3262, RFC 3311, RFC 4028), sans-IO."""
