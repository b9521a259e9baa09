"""The figures of the media plane and of signalling, as samples for /metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from auth8021x.ports.status import ClientStatus, ServerStatus, Standing
from mcu.fleet.local import LocalFleet
from portal.services import MetricSource, OwnPorts, Sample

_DROP = "drop."


def worker_metrics(fleet: LocalFleet) -> MetricSource:
    """What each process of each worker counted, and how often it had to be started again."""

    def collect() -> Iterator[Sample]:
        for worker in fleet.workers:
            labels = {"worker": str(worker.number)}
            for process, stats in worker.stats.items():
                yield from _process_samples(labels | {"process": process}, stats.counters, stats.gauges)
            for process in ("net", "video", "audio", "recorder"):
                restarts = worker.restarts[process]
                yield Sample("process_restarts", restarts, labels | {"process": process}, is_counter=True)

    return collect


def counter_metrics(
    name: str,
    counters: Mapping[str, int] | Callable[[], Mapping[str, int]],
    label: str = "reason",
    help_text: str = "",
) -> MetricSource:
    """A family of counts, one sample a key."""

    def collect() -> Iterator[Sample]:
        for key, count in (counters() if callable(counters) else counters).items():
            yield Sample(name, count, {label: key}, is_counter=True, help=help_text)

    return collect


def gauge_metrics(name: str, gauges: Callable[[], Mapping[str, float]], label: str, help_text: str) -> MetricSource:
    """A family of sizes of this moment, one sample a key."""

    def collect() -> Iterator[Sample]:
        for key, size in gauges().items():
            yield Sample(name, size, {label: key}, help=help_text)

    return collect


def _process_samples(
    labels: Mapping[str, str], counters: Mapping[str, int], gauges: Mapping[str, float]
) -> Iterator[Sample]:
    for key, count in counters.items():
        if key.startswith(_DROP):
            reason = {"reason": key.removeprefix(_DROP)}
            yield Sample("drops", count, {**labels, **reason}, is_counter=True, help="what was dropped, by reason")
        else:
            yield Sample("events", count, {**labels, "event": key}, is_counter=True, help="what the processes counted")
    for key, value in gauges.items():
        yield Sample(key, value, labels)


def port_metrics(ports: OwnPorts) -> MetricSource:
    """Our own ports of 802.1X, and whether the RADIUS servers that they ask answer."""

    def collect() -> Iterator[Sample]:
        for port in ports.statuses():
            where = {"port": port.name}
            inside = sum(terminal.standing is Standing.IN for terminal in port.terminals)
            outside = len(port.terminals) - inside
            yield Sample("dot1x_port_up", port.is_up, where, help="whether one of our own ports has a carrier")
            for state, count in (("in", inside), ("out", outside)):
                yield Sample("dot1x_port_terminals", count, where | {"state": state}, help="who is at our own ports")
        for server in ports.servers():
            yield Sample(
                "radius_server_up", server.is_up, {"server": server.name}, help="whether it is taken for alive"
            )

    return collect


def excused_metrics(known: Callable[[], tuple[Sequence[ServerStatus], Sequence[ClientStatus]]]) -> MetricSource:
    """RADIUS servers and clients that an administrator lets do without Message-Authenticator, by their names."""

    def collect() -> Iterator[Sample]:
        servers, clients = known()
        peers = [(each, "server") for each in servers] + [(each, each.kind.value) for each in clients]
        for each, kind in peers:
            if each.is_excused:
                labels = {"peer": each.name, "kind": kind}
                text = "what was believed without Message-Authenticator, of whom an administrator excuses"
                yield Sample("radius_excused", each.excused, labels, is_counter=True, help=text)

    return collect
