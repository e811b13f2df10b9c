"""A rig: its inventory in YAML, a gateway, its power and ports, and what is around it."""
