"""What of the running server is in /metrics, a function an area."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drumtower.metrics import counter_metrics, gauge_metrics, worker_metrics
from portal.services import MetricSource

if TYPE_CHECKING:
    from drumtower.application import Application

_Sources = tuple[MetricSource, ...]


def figures(server: Application) -> _Sources:
    """All of them; the portal adds its own."""
    return (*_media(server), *_sip(server), *_h323(server), *_dialing(server), *server.network.figures())


def _media(server: Application) -> _Sources:
    carried = server.capacity.load.gauges
    return (
        worker_metrics(server.fleet),
        gauge_metrics("capacity", carried, "what", "what the machine carries, and does now"),
    )


def _sip(server: Application) -> _Sources:
    sip, desk, registration = server.sip, server.desk, server.terminals.registration
    return (
        counter_metrics("sip", sip.counters, "event", "what the SIP server counted"),
        gauge_metrics("sip_open", lambda: sip.gauges, "kind", "what the SIP server keeps open now"),
        counter_metrics("attendant", lambda: desk.counters, "event", "what the attendant counted"),
        gauge_metrics("attendant_open", desk.gauges, "kind", "whom the attendant serves now"),
        counter_metrics("registrar", lambda: registration.counters, "event", "what the registrar counted"),
        gauge_metrics("registered", lambda: registration.gauges, "kind", "who is registered now"),
    )


def _h323(server: Application) -> _Sources:
    h323 = server.h323
    return (
        counter_metrics("h323", h323.call_counters, "event", "what calls of H.323 counted"),
        gauge_metrics("h323_open", h323.call_gauges, "kind", "what H.323 keeps open now"),
        counter_metrics("gatekeeper", h323.counters, "event", "what the H.323 gatekeeper counted"),
        gauge_metrics("gatekeeper_open", h323.gauges, "kind", "whom the gatekeeper serves now"),
    )


def _dialing(server: Application) -> _Sources:
    dialing, dialer = server.dialing, server.dialing.dialer
    return (
        counter_metrics("dial", lambda: dialer.counters, "event", "what became of calls out"),
        gauge_metrics("dialing", dialer.gauges, "state", "who is being called now"),
        gauge_metrics("trunk", dialing.gauges, "what", "trunks: usable, and their calls"),
    )
