"""Compiled rules beside DuckDB."""
