"""`fieldgate vision` and `fieldgate model`."""
