"""Modbus RTU, TCP and RTU over TCP."""
