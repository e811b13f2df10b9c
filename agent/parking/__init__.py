"""Parking bays with raw magnetometers: occupied or free is decided on the gateway."""

from agent.parking.detector import Detector
from agent.parking.memory import Change, Memory, Occupancy
from agent.parking.parameters import Parameters

__all__ = ["Change", "Detector", "Memory", "Occupancy", "Parameters"]
