"""The results page of a cycle: what changed, for whom, with examples, and what the gate decided."""
