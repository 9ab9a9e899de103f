"""Production logs become conversations: read, checked against the contract, redacted; what fails is quarantined and counted."""
