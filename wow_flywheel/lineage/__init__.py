"""Lineage both ways: model to conversations, conversation to models, policy to what rests on it."""
