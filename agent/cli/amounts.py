"""Durations, sizes and counts as people read them."""

from agent.i18n import say


def duration(seconds: float) -> str:
    """Two units at most: 3 h 12 min."""
    whole = round(seconds)
    if seconds < 0.9995:
        return say("{n} ms", n=round(seconds * 1000))
    if whole < 60:
        return say("{n} s", n=whole)
    if whole < 3600:
        return say("{m} min {s} s", m=whole // 60, s=whole % 60)
    if whole < 86400:
        return say("{h} h {m} min", h=whole // 3600, m=whole % 3600 // 60)
    return say("{d} d {h} h", d=whole // 86400, h=whole % 86400 // 3600)


def size(amount: float) -> str:
    """With the decimal units of the configuration: 34 MB."""
    units = ["GB", "MB", "KB", "B"]
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop()
    digits = 0 if amount >= 10 or units[-1] == "B" else 1
    return f"{amount:.{digits}f} {units[-1]}"


def count(number: int) -> str:
    """12 345"""
    return f"{number:,}".replace(",", " ")


def percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
