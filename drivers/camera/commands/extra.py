"""Is what the models need installed? Light: this is asked before anything of it is imported."""

from agent.contract import Misconfigured


def check_extra() -> None:
    """Raises Misconfigured without the vision packages."""
    from importlib.util import find_spec

    if missing := [name for name in ("numpy", "cv2", "onnxruntime") if find_spec(name) is None]:
        raise Misconfigured(
            "the vision packages are not installed ({missing})",
            hint="install them: fieldgate-install --with vision, or pip install fieldgate[vision]",
            reason="no_vision",
            missing=", ".join(missing),
        )
