"""Cameras: what they see, as readings and events."""
