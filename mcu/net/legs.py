"""The legs of this process, and what control says about them."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from config.media import LocalAddress
from mcu.media import Kind, leg_of
from mcu.net.component import Component, Port
from mcu.net.fanout import Fanout, Receiver
from mcu.net.latch import Latch
from mcu.net.leg import BadMedia, Leg
from mcu.net.numbering import draw_cname, draw_credentials
from mcu.net.outlet import Outlet
from mcu.net.port_checks import PortChecks
from mcu.net.ports import NoPortsLeft
from mcu.net.recorder_leg import Recorder, RecorderLeg
from mcu.net.resources import Resources
from mcu.net.sockets import UdpSocket
from mcu.net.traversal import LegTraversal
from mcu.worker.messages import (
    AttachLeg,
    CameraFrame,
    CloseLeg,
    ConfigureLeg,
    LegConfigured,
    LegFailed,
    LegOpened,
    LimitSource,
    Message,
    MoveLeg,
    OpenLeg,
    OpenRecorderLeg,
    RestartIce,
    RouteContent,
    RouteVideo,
    Transport,
)

logger = logging.getLogger(__name__)


class Legs:
    """One method a command; `resources` has sockets, keys and clocks."""

    def __init__(
        self, resources: Resources, fanout: Fanout, outlet: Outlet, recorder: Recorder,
        counters: Counter[str],
    ) -> None:  # fmt: skip
        self._resources = resources
        self._fanout = fanout
        self._outlet = outlet
        self._recorder = recorder
        self._counters = counters
        self._legs: dict[int, Leg] = {}
        self._recorders: dict[int, RecorderLeg] = {}
        self._sockets: dict[int, list[UdpSocket]] = {}
        self._traversals: dict[int, LegTraversal] = {}
        self._routes: dict[int, int] = {}

        self.commands: dict[type[Message], Callable[[Any, int], None]] = {
            OpenLeg: self.open,
            ConfigureLeg: self.configure,
            RestartIce: self.restart_ice,
            AttachLeg: self.attach,
            MoveLeg: self.move,
            RouteVideo: self.route,
            RouteContent: self.route_content,
            CameraFrame: self.send_camera_frame,
            LimitSource: self.limit_source,
            CloseLeg: self.close,
            OpenRecorderLeg: self.open_recorder,
        }
        """Handlers of control's messages, each called with the message and the time."""

    def __len__(self) -> int:
        return len(self._legs)

    def __iter__(self) -> Iterator[Leg]:
        return iter(list(self._legs.values()))

    def get(self, leg: int) -> Leg | None:
        """A leg with a network."""
        return self._legs.get(leg)

    def receiver(self, leg: int) -> Receiver | None:
        """Whatever takes pictures and sound under that number."""
        found = self._legs.get(leg)
        return self._recorders.get(leg) if found is None else found.outbound

    # ---- commands

    def open(self, command: OpenLeg, now_us: int) -> None:
        """Reserve ports or credentials."""
        del now_us
        if command.leg in self._legs or command.leg in self._recorders:
            self._fail(command.leg, "leg-exists")
            return
        if len(self._legs) >= self._resources.settings.max_legs:
            self._fail(command.leg, "too-many-legs")
            return
        resources = self._resources
        leg = Leg(
            command.leg, command.room, draw_cname(), resources.settings, resources.clock, self._outlet, self._counters
        )
        leg.peer = command.peer
        self._legs[command.leg] = leg
        self._fanout.admit(command.leg, leg.outbound)
        if command.transport is Transport.ICE:
            self._open_ice(leg, command)
        else:
            self._open_ports(leg, command)

    def configure(self, command: ConfigureLeg, now_us: int) -> None:
        """Take what was negotiated."""
        leg = self._legs.get(command.leg)
        if leg is None:
            self._fail(command.leg, "no-such-leg")
            return
        if command.leg in self._traversals:
            self._traversals[command.leg].configure(command.streams)
        try:
            leg.configure(command.streams, now_us)
        except BadMedia as error:
            self._fail(command.leg, str(error))
        else:
            self._outlet.tell(LegConfigured(command.leg))

    def restart_ice(self, command: RestartIce, now_us: int) -> None:
        """New credentials on the same port."""
        del now_us
        leg = self._legs.get(command.leg)
        if leg is None or self._sockets.get(command.leg):
            self._fail(command.leg, "no-such-leg")
            return
        credentials = draw_credentials()
        self._resources.shared.restart(command.leg, credentials)
        self._outlet.tell(self._opened_by_ice(leg, credentials.ufrag, credentials.pwd))

    def attach(self, command: AttachLeg, now_us: int) -> None:
        """Open the gate, and begin with the picture that was chosen before."""
        leg = self._legs.get(command.leg)
        if leg is None:
            return
        leg.attach(now_us, command.kinds)
        rendition = self._routes.pop(command.leg, 0)
        if rendition:
            self._fanout.route(command.leg, leg.outbound.pictures[Kind.VIDEO], rendition, now_us)

    def move(self, command: MoveLeg, now_us: int) -> None:
        """Close the gate; nothing of the former room is left on the leg."""
        leg = self._legs.get(command.leg)
        if leg is None:
            return
        leg.move(command.room, now_us)
        self._routes.pop(command.leg, None)
        self._fanout.remove(command.leg, leg.outbound, now_us)

    def route(self, command: RouteVideo, now_us: int) -> None:
        """Choose a picture; before the gate is open it is only remembered."""
        leg = self._legs.get(command.leg)
        receiver = self._recorders.get(command.leg) if leg is None else leg.outbound.pictures[Kind.VIDEO]
        if receiver is None:
            return
        if leg is not None and not leg.is_attached:
            self._routes[command.leg] = command.rendition
            return
        self._fanout.route(command.leg, receiver, command.rendition, now_us)

    def route_content(self, command: RouteContent, now_us: int) -> None:
        """Choose what goes out as the shared screen; control does so for legs whose gate is open."""
        leg = self._legs.get(command.leg)
        if leg is not None and leg.is_attached:
            self._fanout.route(
                command.leg, leg.outbound.pictures[Kind.CONTENT], command.rendition, now_us, Kind.CONTENT
            )

    def send_camera_frame(self, command: CameraFrame, now_us: int) -> None:
        """Tell a terminal where to turn its camera."""
        leg = self._legs.get(command.leg)
        if leg is not None:
            leg.outbound.put_camera_frame(command.data, now_us)

    def limit_source(self, command: LimitSource, now_us: int) -> None:
        """Ask a sender for less, or for more again."""
        leg = self._legs.get(leg_of(command.stream))
        if leg is not None:
            leg.limit_source(command, now_us)

    def open_recorder(self, command: OpenRecorderLeg, now_us: int) -> None:
        """Begin to hand pictures and sound to the recorder."""
        if command.leg in self._legs:
            self._fail(command.leg, "leg-exists")
            return
        recorder = self._recorders.setdefault(command.leg, RecorderLeg(command.leg, self._recorder))
        self._fanout.admit(command.leg, recorder)
        self._fanout.route(command.leg, recorder, command.rendition, now_us)

    def close(self, command: CloseLeg, now_us: int) -> None:
        """Free everything; unknown legs are ignored."""
        receiver = self.receiver(command.leg)
        if receiver is None:
            return
        self._fanout.remove(command.leg, receiver, now_us)
        self._routes.pop(command.leg, None)
        recorder = self._recorders.pop(command.leg, None)
        if recorder is not None:
            recorder.close()
        leg = self._legs.pop(command.leg, None)
        if leg is None:
            return
        leg.close(now_us)
        self._resources.shared.remove(command.leg)
        self._release(command.leg)

    def close_all(self, now_us: int) -> None:
        """The process ends."""
        for number in [*self._legs, *self._recorders]:
            self.close(CloseLeg(number), now_us)

    # ---- opening

    def _open_ice(self, leg: Leg, command: OpenLeg) -> None:
        component = Component(leg, self._resources.handshakes, self._counters)
        leg.components.update(dict.fromkeys(command.kinds or tuple(Kind), (component, component)))
        credentials = draw_credentials()
        self._resources.shared.add(leg.number, credentials, component)
        self._outlet.tell(self._opened_by_ice(leg, credentials.ufrag, credentials.pwd))

    def _opened_by_ice(self, leg: Leg, ufrag: str, pwd: str) -> LegOpened:
        candidates = self._resources.candidates(leg.peer)
        return LegOpened(
            leg=leg.number,
            address=candidates[0][0],
            candidates=candidates,
            tcp_candidates=self._resources.tcp_candidates(leg.peer),
            ice_ufrag=ufrag,
            ice_pwd=pwd,
            fingerprint=self._resources.handshakes.certificate.fingerprint,
            ssrcs=leg.ssrcs,
            cname=leg.cname,
        )

    def _open_ports(self, leg: Leg, command: OpenLeg) -> None:
        local = self._resources.local_address(command.local_address)
        if local is None:
            self._drop_leg(leg, "no-such-address")
            return
        ports: dict[str, tuple[int, int]] = {}
        try:
            if command.has_traversal:
                self._traversals[leg.number] = LegTraversal(self._resources.shared_pair(local), self._counters)
            for kind in command.kinds:
                rtp, rtcp = self._resources.open_pair(local, is_audio=kind is Kind.AUDIO)
                self._sockets.setdefault(leg.number, []).extend((rtp, rtcp))
                ports[str(kind)] = (rtp.port, rtcp.port)
                leg.components[kind] = self._port_components(leg, kind, (rtp, rtcp))
        except NoPortsLeft:
            self._drop_leg(leg, "no-ports-left")
            return
        self._outlet.tell(self._opened_by_ports(leg, local, ports))

    def _port_components(self, leg: Leg, kind: Kind, pair: tuple[UdpSocket, UdpSocket]) -> tuple[Component, Component]:
        traversal = self._traversals.get(leg.number)
        if traversal is None:
            return self._port_component(leg, pair[0]), self._port_component(leg, pair[1])
        ways = traversal.ways(kind, pair)
        made = self._port_component(leg, ways[0]), self._port_component(leg, ways[1])
        for way, component in zip(ways, made, strict=True):
            way.follow(component)
        return made

    def _port_component(self, leg: Leg, port: Port) -> Component:
        component = Component(leg, self._resources.handshakes, self._counters)
        component.bind(port, Latch(signalling=leg.peer), PortChecks(self._resources.checks, self._counters))
        return component

    def _opened_by_ports(self, leg: Leg, local: LocalAddress, ports: dict[str, tuple[int, int]]) -> LegOpened:
        traversal = self._traversals.get(leg.number)
        return LegOpened(
            leg=leg.number,
            address=local.advertised(leg.peer),
            ports=ports,
            multiplex_ports=(0, 0) if traversal is None else traversal.shared.numbers,
            multiplex_ids={} if traversal is None else traversal.numbers,
            fingerprint=self._resources.handshakes.certificate.fingerprint,
            ssrcs=leg.ssrcs,
            cname=leg.cname,
        )

    def _drop_leg(self, leg: Leg, reason: str) -> None:
        del self._legs[leg.number]
        self._fanout.assign(leg.number, leg.outbound, 0)
        self._release(leg.number)
        self._fail(leg.number, reason)

    def _release(self, leg: int) -> None:
        traversal = self._traversals.pop(leg, None)
        if traversal is not None:
            traversal.close()
        for udp in self._sockets.pop(leg, ()):
            self._resources.release(udp)

    def _fail(self, leg: int, reason: str) -> None:
        logger.warning("leg=%d failed: %s", leg, reason)
        self._counters[f"failed-{reason}"] += 1
        self._outlet.tell(LegFailed(leg, reason))
