"""Readers of other log formats: each turns documents into native records.

What belongs here: formats, pure and without storage. What does not: files (`lines`), and checking or storing records
(`record`, `ingest`).
"""
