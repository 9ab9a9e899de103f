"""Two of the report's experiments, as assets of a cycle that no other asset waits for."""
