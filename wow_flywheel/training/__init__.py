"""Trainers as plain command lines: they read files, write a folder, and know nothing of Dagster.

What belongs here: SFT, DPO, the chat templates and masks they train on, the folder of a run, reports. What does not: building
the datasets (`datasets`), serving a model (`serving`), starting a trainer from an asset (`defs`).
"""
