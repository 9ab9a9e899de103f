"""A small closed world: a local-life after-sales service with a database, tools, changing rules and simulated customers.

It plays production on a machine that has none, evaluates models end to end, and, because every outcome is checked against its
database, gives exact labels to measure the labelling with. The flywheel never imports it: it sees only the logs, knowledge
units and procedures that this world writes, as from any user.
"""
