"""Bad Cases rewritten at the turn that went wrong: candidates, blind re-inspection, preference pairs."""
