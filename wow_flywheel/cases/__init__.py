"""Satisfaction signals, and the Good, Bad, Failed and Review cases that follow from the evidence."""
