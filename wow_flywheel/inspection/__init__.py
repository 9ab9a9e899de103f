"""Offline inspection: evidence inspectors that need no endpoint, and the LLM panel, each claim with its evidence."""
