"""The attendant: asks callers by voice and picture which room they want, and serves remote controls inside rooms."""
