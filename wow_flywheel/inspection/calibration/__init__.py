"""Calibration: how good the labels are, measured on planted defects and on what people said and decided."""
