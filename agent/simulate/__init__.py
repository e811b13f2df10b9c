"""Scripted days and faults for simulated devices: what `fieldgate simulate` plays."""
