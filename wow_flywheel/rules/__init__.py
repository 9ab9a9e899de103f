"""Online checks: every file in `sql/rules/` is one rule."""
