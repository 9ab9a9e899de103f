"""Business policies as data: which of them a conversation was to follow, and what goes stale when one changes."""
