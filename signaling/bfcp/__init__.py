"""The Binary Floor Control Protocol (RFC 8855): who may show the shared screen."""
