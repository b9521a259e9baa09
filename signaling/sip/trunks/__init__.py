"""Trunks: calls and registrations with other exchanges."""
