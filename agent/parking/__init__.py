"""Parking: what detectors say becomes what the spaces are. With a raw magnetometer, the gateway is
the detector."""

from agent.parking.detector import Detector
from agent.parking.memory import Change, Memory, Occupancy
from agent.parking.parameters import Parameters
from agent.parking.record import POINTS
from agent.parking.stage import Parking

__all__ = ["POINTS", "Change", "Detector", "Memory", "Occupancy", "Parameters", "Parking"]
