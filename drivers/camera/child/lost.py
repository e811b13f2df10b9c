"""Why there are no frames."""


class Lost(Exception):
    """Its text is one word for machines: no_connection, no_frames, no_device, refused, …"""
