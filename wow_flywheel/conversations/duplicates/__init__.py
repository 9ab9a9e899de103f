"""Conversations that say what an earlier one said: fingerprints of each day, and the comparison across days."""
