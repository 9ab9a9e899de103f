"""Measurements of the whole system; each prints what docs/ and README.md quote."""
