"""A run's health in Prometheus' words. Gathered when somebody asks: frames pay nothing."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, get_args

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from edgehands.health import CameraHealth, CameraState, Health, OutputHealth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_CAMERA = ["camera"]
_OUTPUT = ["output", "place"]


def render(health: Health) -> bytes:
    """Return a run's metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_HealthCollector(health))
    return bytes(generate_latest(registry))


class _HealthCollector(Collector):
    def __init__(self, health: Health) -> None:
        self._health = health

    def describe(self) -> list[Metric]:
        """Nothing: that spares a round of `collect` when this is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _process(self._health)
        yield from _cameras(self._health.cameras)
        yield from _outputs(self._health.outputs)


def _process(health: Health) -> Iterator[Metric]:
    facts = {"version": health.version, "runs_on": health.runs_on}
    yield InfoMetricFamily("edgehands", "What runs.", facts)
    yield _gauge("ok", "1 if there is nothing to repair.", float(health.ok))
    yield _gauge("ready", "1 once every camera gives frames or is waited for.", float(health.ready))
    yield _gauge("uptime_seconds", "Time since the start.", health.uptime_s)
    mistaken = float(health.config_problem is not None)
    yield _gauge("config_mistaken", "1 if the config file was not taken when last read.", mistaken)
    if health.rss_mb is not None:
        resident = round(1e6 * health.rss_mb)
        yield _gauge("resident_memory_bytes", "Memory of the process.", resident)
    if health.temperature is not None:
        what = "Of the hottest thermal zone."
        yield _gauge("temperature_celsius", what, health.temperature)


def _cameras(cameras: Sequence[CameraHealth]) -> Iterator[Metric]:
    def gauge(name: str, what: str, of: Callable[[CameraHealth], float | None]) -> Metric:
        family = GaugeMetricFamily(f"edgehands_{name}", what, labels=_CAMERA)
        for camera in cameras:
            if (value := of(camera)) is not None:
                family.add_metric([camera.name], value)
        return family

    def counter(name: str, what: str, of: Callable[[CameraHealth], int]) -> Metric:
        family = CounterMetricFamily(f"edgehands_{name}", what, labels=_CAMERA)
        for camera in cameras:
            family.add_metric([camera.name], of(camera))
        return family

    yield counter("frames", "Frames processed.", lambda it: it.frames)
    yield counter("frames_dropped", "Frames overtaken by newer ones.", lambda it: it.dropped)
    skipped = "Frames left out on purpose: above the limit, or of a frozen camera."
    yield counter("frames_skipped", skipped, lambda it: it.skipped)
    rejected = "Frames that could not be decoded or make no sense."
    yield counter("frames_rejected", rejected, lambda it: it.rejected)
    yield counter("camera_reopened", "Times it came back.", lambda it: it.reopened)
    yield counter("events", "Events made.", lambda it: it.events)
    yield gauge("frames_per_second", "Frames processed lately.", lambda it: it.fps)
    limit = "Frames at most, under heat or load; absent without a limit."
    yield gauge("frames_per_second_limit", limit, lambda it: it.fps_limit)
    yield gauge("hands", "Hands in the latest frame.", lambda it: it.hands)
    duty = "Share of frames on which the palm detector ran."
    yield gauge("detector_duty_ratio", duty, lambda it: it.duty_cycle)
    since = "Time in the present state."
    yield gauge("camera_state_seconds", since, lambda it: it.state_seconds)
    yield _states(cameras)
    yield _ages(cameras)


def _states(cameras: Sequence[CameraHealth]) -> Metric:
    what = "1 for the state that the camera is in."
    family = GaugeMetricFamily("edgehands_camera_state", what, labels=["camera", "state"])
    for camera in cameras:
        for state in get_args(CameraState):
            family.add_metric([camera.name, state], float(camera.state == state))
    return family


def _ages(cameras: Sequence[CameraHealth]) -> Metric:
    family = SummaryMetricFamily(
        "edgehands_frame_age_seconds", "Age of a frame when its result is there, lately."
    )
    for camera in cameras:
        for quantile, age_ms in (("0.5", camera.age_ms), ("0.99", camera.age_p99_ms)):
            if age_ms is not None:
                labels = {"camera": camera.name, "quantile": quantile}
                family.add_sample("edgehands_frame_age_seconds", labels, age_ms / 1000)
    return family


def _outputs(outputs: Sequence[OutputHealth]) -> Iterator[Metric]:
    ok = GaugeMetricFamily("edgehands_output_ok", "1 if it works.", labels=_OUTPUT)
    delivered = CounterMetricFamily(
        "edgehands_events_delivered", "Events that it took.", labels=_OUTPUT
    )
    lost = CounterMetricFamily(
        "edgehands_events_lost", "Events not delivered, by why.", labels=[*_OUTPUT, "reason"]
    )
    works: dict[tuple[str, str], bool] = {}
    took: Counter[tuple[str, str]] = Counter()
    missed: Counter[tuple[str, str, str]] = Counter()
    for output in outputs:  # two may have one place; a series stands once
        key = (output.kind, output.place)
        works[key] = works.get(key, True) and output.ok
        took[key] += output.delivered
        missed.update({(*key, reason): count for reason, count in output.lost.items()})
    for labels, value in works.items():
        ok.add_metric(labels, float(value))
        delivered.add_metric(labels, took[labels])
    for named, count in missed.items():
        lost.add_metric(named, count)
    yield from (ok, delivered, lost)


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"edgehands_{name}", what, value)
