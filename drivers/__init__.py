"""One folder a protocol; each exports DRIVER and imports nothing of the agent but its contract."""
