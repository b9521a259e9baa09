"""The authenticator's ports on real interfaces: the thin shell around `auth8021x.pae`."""
