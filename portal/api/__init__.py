"""Handlers of REST API v1, one file a resource."""
