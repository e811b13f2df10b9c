"""Whom to ask when: device -> reading."""

from agent.collect.breaker import Policy
from agent.collect.listening import listen
from agent.collect.scheduler import Member, Observer, Scheduler

__all__ = ["Member", "Observer", "Policy", "Scheduler", "listen"]
