"""Keeps tasks alive; watchdog; systemd notify."""
