"""The installed drivers, by name. Only drivers that are asked for are imported."""

from functools import cache
from importlib.metadata import entry_points

from agent.contract import DriverSpec, Misconfigured

GROUP = "fieldgate.drivers"


def driver_names() -> list[str]:
    return sorted(entry_points(group=GROUP).names)


@cache
def driver_named(name: str) -> DriverSpec:
    """Raises Misconfigured when no installed package offers that driver, or offers nonsense."""
    found = entry_points(group=GROUP, name=name)
    if not found:
        raise Misconfigured(
            "no driver is called '{name}'; installed: {known}",
            hint="correct `driver:`, or install the package that brings it",
            name=name,
            known=", ".join(driver_names()),
        )
    try:
        spec = next(iter(found)).load()
    except (ImportError, AttributeError) as error:
        raise Misconfigured(
            "the driver '{name}' cannot be loaded: {error}",
            hint="reinstall the package that brings it",
            name=name,
            error=error,
        ) from error
    if not isinstance(spec, DriverSpec):
        raise Misconfigured(
            "the entry point '{name}' is not a DriverSpec",
            hint="ask the maker of the driver",
            name=name,
        )
    return spec
