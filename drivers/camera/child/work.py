"""One camera's work: frames in, masked; looks when something moves; findings out."""

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from drivers.camera import privacy, view
from drivers.camera.child import confine
from drivers.camera.child.frames import Shown, now
from drivers.camera.child.gate import Gate, Pace
from drivers.camera.child.lost import Lost
from drivers.camera.child.pipe import Pipe
from drivers.camera.child.setup import Finder, Setup, finder, on_trial, opened, room
from drivers.camera.child.shots import Album
from drivers.camera.child.sources import Source
from drivers.camera.child.student import Student
from drivers.camera.child.telling import Teller
from drivers.camera.eyes import Eyes
from drivers.camera.shadow import Shadow
from drivers.camera.sight import Drop, Finding, Happened, Keep, Measured, Plate, Shot, Sight, View
from drivers.camera.tasks.plates import PlateOptions
from drivers.camera.tasks.screen import own_tiles
from drivers.camera.tasks.watch import Watch, Wishes
from drivers.camera.zones import NoParking, Space, Zones

WAIT = 0.5  # s for a frame, before the parent is listened to again
GONE = 3.0  # s without a frame, then there are none
SLOW = 12.0  # s that the first connection may take before that is told
ANEW = 120.0  # s that all may be unlike the first few looks, before those are forgotten
GUARD_EVERY = 4.0  # s between two measurements of the view
STATS_EVERY = 60.0  # s


def work(told: Mapping[str, Any], pipe: Pipe) -> int:
    """Until the parent goes."""
    setup = Setup(**{**told, "tasks": tuple(told["tasks"]), "size": tuple(told["size"])})
    eyes = opened(setup, pipe)
    if eyes is None:
        return 0
    trial = on_trial(setup, eyes)
    find = finder(setup)
    granted = confine.confine(room(setup)) if setup.confine else None
    pipe.tell(
        "ready",
        {
            "models": ", ".join(m.card.id + "/" + m.card.version for m in eyes.models),
            "confined": granted is not None and granted.whole,
            "machine": platform.machine(),
        },
    )
    source, student = find(number=setup.number), Student.of(setup)
    Camera(setup, eyes, source, pipe, shadow=trial, find=find, student=student).run()
    return 0


@dataclass(slots=True)
class Camera:
    setup: Setup
    eyes: Eyes
    source: Source
    pipe: Teller
    gate: Gate = field(default_factory=Gate)
    album: Album = field(default_factory=Album)
    known: view.Known = field(default_factory=view.Known)
    shadow: Shadow | None = None
    find: Finder | None = None
    student: Student | None = None
    _size: tuple[int, int] = (0, 0)
    _watch: Watch | None = None
    _zones: Zones | None = None
    _masks: privacy.Masks | None = None
    _looked: float = float("-inf")
    _guarded: float = float("-inf")
    _learnt: float = float("-inf")
    _well: float | None = None  # when the view was last well, or first seen
    _came: float = field(default_factory=now)
    _lost: str = ""
    _snapshots: list[int] = field(default_factory=list)
    _frames: int = 0
    _looks: int = 0
    _told: float = field(default_factory=now)

    def run(self) -> None:
        self.known = view.Known.from_text(self.setup.reference)
        pace = Pace(self.setup.rate)
        while True:
            self.pipe.beat()
            for wish in self.pipe.wishes():
                self._heed(wish)
            frame = self._frame()
            if frame is not None:
                self._try(frame)
                time.sleep(pace.rest(now()))
                self._came = now()  # a long look is no time without frames
            self._statistics()

    def _heed(self, wish: Mapping[str, Any]) -> None:
        if "snapshot" in wish:
            self._snapshots.append(int(wish["snapshot"]))
        if "number" in wish and self.find is not None:
            self.source.close()
            self.source = self.find(number=str(wish["number"]))
        if "forget" in wish:
            self.known = view.Known(own=self.known.own)
            if self.student is not None:
                self.student.forget()
                self._retune({})
        if "thresholds" in wish:
            self._retune(wish["thresholds"])

    def _retune(self, thresholds: Mapping[str, float]) -> None:
        """What the parent has learnt from the looks."""
        self.setup = replace(self.setup, thresholds=thresholds)
        if self._watch is not None:
            self._watch.retune(thresholds)
        if self.shadow is not None:
            self.shadow.thresholds = thresholds

    def _frame(self) -> Shown | None:
        reason = "no_frames"
        try:
            frame = self.source.newest(min(WAIT, 1 / self.setup.rate))
        except Lost as error:
            frame, reason = None, str(error)
        if frame is None:
            self._missed(reason)
            return None
        if self._lost or self._frames == 0:
            self.pipe.tell("frames", {"at": frame.at, "lost": ""})
        self._lost, self._came = "", frame.at
        self._frames += 1
        return frame

    def _missed(self, reason: str) -> None:
        """Told once, and again when the reason is another."""
        first = reason == "connecting"
        if self._lost and (first or self._lost == reason):
            return
        if now() - self._came > (SLOW if first else GONE):
            self._lost, self._well = reason, None
            self.pipe.tell("frames", {"at": now(), "lost": reason})
            if self._watch is not None:
                self._tell(self._watch.lost(now(), reason), None)

    def _try(self, frame: Shown) -> None:
        """What came may be no picture after all."""
        try:
            self.take(frame)
        except Lost as error:
            self.pipe.tell("frames", {"at": frame.at, "lost": str(error)})
            self._lost = str(error)

    def take(self, frame: Shown) -> None:
        """A frame, masked first of all; looked at when something moves or it is time."""
        if frame.size != self._size or self._masks is None:
            if self._watch is not None:
                self._tell(self._watch.lost(frame.at, "resized"), None)
            self._masks = self._resize(*frame.size)
        gray = frame.masked(self._masks)
        changed = self.gate.changed(gray)
        if changed or frame.at - self._looked >= self.setup.rest or self._snapshots:
            self._looked = frame.at
            self._look(frame, gray, changed=changed)
        elif frame.at - self._guarded >= GUARD_EVERY and self._watch is not None:
            sight = Sight(frame.at, self._size, changed=False, view=self._view(frame.at, gray))
            self._conclude(self._watch, sight, frame)

    def end(self, at: float, reason: str) -> None:
        """There are no frames from now on; what was under way is told as far as it was seen."""
        if self._watch is not None:
            self._tell(self._watch.lost(at, reason), None, at)

    def _resize(self, width: int, height: int) -> privacy.Masks:
        told = self.setup.zones or {"camera": self.setup.camera, "size": [width, height]}
        zones = Zones.model_validate(told).scaled(width, height)
        options = PlateOptions(
            confidence=self.setup.confidence,
            anonymous=self.setup.no_plates,
            pictures=self.setup.pictures,
        )
        wishes = Wishes(self.setup.tasks, options, self.setup.thresholds)
        self._size, self._zones = (width, height), zones
        self._watch = Watch(self.setup.camera, zones, wishes)
        self.known.own = own_tiles(zones)
        self.gate = Gate()
        self.album.masks = privacy.Masks([one.polygon for one in zones.masks], self._size)
        return self.album.masks

    def _look(self, frame: Shown, gray: view.Gray, *, changed: bool) -> None:
        if self._watch is None or self._zones is None:
            return
        self._looks += 1
        if self.shadow is not None:
            self.shadow.turn()
        plates = self._plates(frame, self._zones)
        spaces = self._spaces(frame, self._zones)
        close = spaces is not None or self._watch.doubtful
        due = close or frame.at - self._guarded >= GUARD_EVERY
        seen = self._view(frame.at, gray) if due else None
        sight = Sight(frame.at, self._size, changed, plates, spaces, view=seen)
        self._conclude(self._watch, sight, frame)
        for number in self._snapshots:
            shown = self.album.cut(Shot("scene", None), frame.image)
            if shown is not None:
                about = [["scene", shown.width, shown.height]]
                body = {"at": frame.at, "number": number, "pictures": about}
                self.pipe.tell("snapshot", body, [shown.jpeg])
        self._snapshots = []

    def _conclude(self, watch: Watch, sight: Sight, frame: Shown) -> None:
        """A look that was found well teaches what the view is like, every now and then."""
        self._tell(watch.see(sight), frame)
        if sight.view is None:
            return
        if self._well is None or not watch.doubtful:
            self._well = sight.at
        if watch.doubtful:
            self._begin_anew(sight.at)
            return
        if self.student is not None:
            self.student.look(sight.at, sight.spaces or {}, self.pipe)
        if sight.at - self._learnt < GUARD_EVERY:
            return
        self._learnt = sight.at
        if self.known.learn() and not self.setup.no_plates:
            self.pipe.tell("remember", {"reference": self.known.to_text()})

    def _begin_anew(self, at: float) -> None:
        """A lorry may have filled the few looks that the view was learnt from so far."""
        if not self.known.settled and self._well is not None and at - self._well > ANEW:
            self.known, self._well = view.Known(own=self.known.own), at

    def _plates(self, frame: Shown, zones: Zones) -> list[Plate] | None:
        """Found in all of the frame; what may be one and is not meant is blurred and forgotten."""
        if self.eyes.detector is None:
            return None
        perhaps = self.eyes.perhaps(frame.image)
        found = [plate for plate in perhaps if self.eyes.sure(plate)]
        if self.shadow is not None:
            self.shadow.plates(frame.image, found)
        elsewhere = [plate for plate in perhaps if not privacy.readable_here(plate, zones)]
        privacy.blur(frame.image, perhaps if self.setup.no_plates else elsewhere)
        return [plate for plate in found if plate not in elsewhere]

    def _spaces(self, frame: Shown, zones: Zones) -> dict[str, float] | None:
        if self.eyes.occupancy is None:
            return None
        areas: tuple[Space | NoParking, ...] = (*zones.spaces, *zones.no_parking)
        polygons = {one.id: one.polygon for one in areas}
        chances = self.eyes.occupied(frame.image, polygons)
        if self.shadow is not None:
            self.shadow.spaces(frame.image, polygons, chances)
        return chances

    def _view(self, at: float, gray: view.Gray) -> View:
        self._guarded = at
        return self.known.look(gray)

    def _tell(
        self, findings: Sequence[Finding], frame: Shown | None, at: float | None = None
    ) -> None:
        """`at`: where there is no frame; None: now."""
        if at is None:
            at = frame.at if frame is not None else now()
        for one in findings:
            if isinstance(one, Measured):
                body = {"at": at, "point": one.point, "value": one.value, "reason": one.reason}
                self.pipe.tell("measured", body)
            elif isinstance(one, Keep) and frame is not None:
                self.album.keep(one.name, one.shot, frame.image)
            elif isinstance(one, Drop):
                self.album.drop(one.name)
            elif isinstance(one, Happened):
                self._event(one, at, frame)

    def _event(self, event: Happened, at: float, frame: Shown | None) -> None:
        shown = [self.album.take(name) for name in event.kept]
        if frame is not None:
            shown += [self.album.cut(shot, frame.image) for shot in event.shots]
        there = [one for one in shown if one is not None]
        self.pipe.tell(
            "happened",
            {
                "at": at,
                "kind": event.kind,
                "subject": event.subject,
                "data": dict(event.data),
                "pictures": [[one.role, one.width, one.height] for one in there],
            },
            [one.jpeg for one in there],
        )

    def _statistics(self) -> None:
        if now() - self._told < STATS_EVERY:
            return
        seconds, self._told = now() - self._told, now()
        for point, count in (("frames", self._frames), ("looks", self._looks)):
            value = None if self._lost else round(count / seconds, 3)
            body = {"at": now(), "point": f"{point}_rate", "value": value, "reason": self._lost}
            self.pipe.tell("measured", body)
        self._frames = self._looks = 0
        if self.shadow is not None:
            self.pipe.tell("shadow", {"at": now(), "counted": self.shadow.take()})
