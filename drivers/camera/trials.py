"""What comes of a model on trial: how often it agreed is told, and it may take over."""

import logging
from collections.abc import Mapping, MutableMapping, Sequence

from agent.contract import Instant, Misconfigured, Reading
from drivers.camera import shadow
from drivers.camera.model_store import ModelStore
from drivers.camera.site import Site
from drivers.camera.vision.card import read_card

log = logging.getLogger(__name__)


def agreement(
    site: Site, memory: MutableMapping[str, str], counted: Mapping[str, shadow.Tally], at: Instant
) -> Sequence[Reading]:
    """Of the models on trial, over all that this camera has seen of them."""
    looks, agreed = shadow.remember(memory, counted)
    if not looks:
        return []
    if site.settings.adopt:
        _adopt(site, memory)
    told = (("shadow_agreement", round(agreed / looks, 4)), ("shadow_looks", looks))
    return [Reading(site.device, name, value, "1", at) for name, value in told]


def _adopt(site: Site, memory: Mapping[str, str]) -> None:
    """Models on trial that agree often enough are used from the next start on."""
    for name, trial in site.trials.items():
        store = ModelStore(trial.parent, site.models[name])
        tally = shadow.tally([memory], read_card(trial / "card.yaml").sha256)
        if store.candidate() != trial or not shadow.agrees(*tally):
            continue
        try:
            store.accept()
        except Misconfigured as error:
            log.warning("%s: the model in shadow agrees, but %s", site.device, error)
            continue
        log.warning("%s: %s is used from the next start on", site.device, trial.name)
