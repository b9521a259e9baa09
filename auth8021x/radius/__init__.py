"""RADIUS: authentication, accounting, dynamic authorisation; pure cores, and their sockets."""
