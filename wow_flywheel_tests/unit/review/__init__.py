"""Review by people."""
