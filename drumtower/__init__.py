"""Composition root and command line: wires the other packages, decides nothing."""
