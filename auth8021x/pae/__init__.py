"""The authenticator's port access entity (IEEE 802.1X-2004 clause 8). Pure."""
