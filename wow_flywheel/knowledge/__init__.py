"""What the business knows: knowledge units, procedures, business rules."""
