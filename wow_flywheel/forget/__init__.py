"""Forgetting a person: deleting their conversations and everything that was made from them."""
