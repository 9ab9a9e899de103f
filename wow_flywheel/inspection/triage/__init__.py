"""The learned triage: a small estimator that ranks conversations for inspection. It never decides a label."""
