"""The local road to the running service: JSON lines on a socket."""
