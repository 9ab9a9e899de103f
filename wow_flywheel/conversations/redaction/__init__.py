"""Redaction: personal values and access keys become placeholders before anything else sees a text.

What belongs here: nothing but this sentence. `rows` redacts one conversation, `frame` many at once, with the same result.
"""
