"""What a camera is for: decisions from what was seen, without a pixel."""

from drivers.camera.tasks.watch import Watch

__all__ = ["Watch"]
