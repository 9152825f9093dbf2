"""The paper's table with this device beside its phones; what others published is marked so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgehands.benchmarks.bench import published
from edgehands.benchmarks.bench.plan import LANDMARK_MODELS
from edgehands.benchmarks.bench.rows import ranked
from edgehands.benchmarks.bench.table import NOTHING, Grid, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.benchmarks.bench.published import PublishedLatency
    from edgehands.benchmarks.bench.rows import Row

OTHER_NETWORK = (
    "Parameters: the file shipped as Full has 2.72 M where the paper's had 1.98 M: the same role, "
    "another network. The paper's Heavy was never published; here it is Full on two views of the "
    "crop, averaged."
)
OTHER_SET = (
    "MSE and error are normalised by palm size; here in per cent of its square and of itself, on "
    "64 synthetic crops. The paper's are in its own unit and on its own test set: they do not "
    "compare with ours."
)


def columns(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """Return backends with the number of threads that is their fastest, the best backend first."""
    totals: dict[tuple[str, int], list[float]] = {}
    for row in rows:
        if row.speed and row.model in LANDMARK_MODELS:
            totals.setdefault((row.backend, row.threads), []).append(row.speed.latency_ms.p50)
    # Whoever runs fewer of the models comes after those that run more.
    order = sorted(totals, key=lambda each: (-len(totals[each]), sum(totals[each])))
    best = {backend: (backend, threads) for backend, threads in reversed(order)}
    return [each for each in order if best[each[0]] == each]


def paper_grid(rows: Sequence[Row]) -> Grid:
    """Return Light, Full and Heavy: as the paper has them and as they run here."""
    paper = published.paper()
    places = columns(rows)
    heads = [f"{backend}\n{threads} thr." for backend, threads in places]
    cells: list[tuple[str, ...]] = []
    cited = set()
    for network in paper.networks:
        cited.add(len(cells))
        phones = [_published(each, network.model) for each in paper.latencies]
        name = f"{network.name}, {paper.short} (cited)"
        params = f"{network.params / 1e6:.2f}"
        nothing = [NOTHING] * len(places)
        cells.append((name, params, f"{network.mse:g}", NOTHING, *phones, *nothing))
        if ours := _ours(network.name, network.model, rows, places):
            cells.append(ours)
    return Grid(
        "Light, Full and Heavy: milliseconds a hand",
        (
            *("model", "params\nM", "MSE", "error"),
            *(each.device.replace(" ", "\n", 1) for each in paper.latencies),
            *heads,
        ),
        cells,
        (
            f"Cited rows are not measured here. {paper.short}: {paper.source}; {paper.includes}.",
            OTHER_NETWORK,
            OTHER_SET,
        ),
        cited=frozenset(cited),
    )


def _ours(
    name: str, model: str, rows: Sequence[Row], places: Sequence[tuple[str, int]]
) -> tuple[str, ...] | None:
    found = ranked(row for row in rows if row.model == model)
    if not found:
        return None
    times = {
        (row.backend, row.threads): number(row.speed.latency_ms.p50) for row in found if row.speed
    }
    accuracy = found[0].accuracy
    return (
        f"{name}, here",
        f"{found[0].params / 1e6:.2f}",
        percent(accuracy.mse if accuracy else None, 2),
        percent(accuracy.mean_error if accuracy else None),
        *[NOTHING] * len(published.paper().latencies),
        *(times.get(place, NOTHING) for place in places),
    )


def _published(latency: PublishedLatency, model: str) -> str:
    value = latency.milliseconds.get(model)
    return NOTHING if value is None else f"{value:g}"  # with the digits that were published


def cited_grid() -> Grid:
    """Return what others published of these networks on other devices."""
    sources = published.others()
    rows = [
        (
            f"{each.device}, {each.runtime}",
            *(_published(each, name) for name in ("palm-lite", "light", published.PIPELINE)),
            source.short,
        )
        for source in sources
        for each in source.latencies
    ]
    return Grid(
        "Other devices, as published (cited, not measured here): milliseconds",
        ("device", "palm-lite", "light", "pipeline", "source"),
        rows,
        tuple(
            f"{source.short}: {source.source}, {source.published}; {source.includes}."
            for source in sources
        ),
        cited=frozenset(range(len(rows))),
    )


def quality_grid() -> Grid:
    """Return the paper's own accuracies, its Tables 1 and 2."""
    paper = published.paper()
    rows = [
        (quality.measure, value.of, f"{value.percent:g} %")
        for quality in paper.qualities
        for value in quality.values
    ]
    return Grid(
        "The paper's accuracies (cited)",
        ("measure", "of", "value"),
        rows,
        (f"{paper.short}: {paper.source}.",),
        left=2,
        cited=frozenset(range(len(rows))),
    )
