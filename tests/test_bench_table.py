"""The tables and the picture: ours and cited figures side by side, and told apart."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import pytest
from rich.console import Console

from edgehands.benchmarks.bench import chart, document, fingerprint, published
from edgehands.benchmarks.bench.accuracy import Accuracy
from edgehands.benchmarks.bench.paper_table import cited_grid, columns, paper_grid, quality_grid
from edgehands.benchmarks.bench.rows import Latency, Report, Round, Row, Speed
from edgehands.benchmarks.bench.show import grids, refused
from edgehands.benchmarks.bench.table import number, percent
from edgehands.models.catalog import shipped_catalog

if TYPE_CHECKING:
    from pathlib import Path

ERRORS = {"light": 0.0794, "full": 0.0692, "heavy": 0.0665}


def row(model: str, backend: str, threads: int, ms: float, device: str = "CPU") -> Row:
    latency = Latency(ms, ms, ms, ms, ms, 10)
    return Row(
        *(model, backend, threads, "fp32", device, "runtime 1", "ok", ""),
        params=2_716_000,
        macs=331_000_000,
        sha256="0" * 64,
        speed=Speed(latency, ms, 30, 100, 50.0, 0.5, [Round(10, ms, ms, 1.0, 0.0)]),
        accuracy=Accuracy(pictures=64, mse=ERRORS[model] ** 2, mean_error=ERRORS[model]),
    )


def marked(model: str, backend: str, status: str, reason: str) -> Row:
    return Row(
        *(model, backend, 1, "fp32", "", "", status, reason),  # type: ignore[arg-type]
        params=2_716_000,
        macs=331_000_000,
        sha256="0" * 64,
    )


ROWS = [
    row("light", "tflite", 1, 4.0),
    row("light", "tflite", 2, 3.0),
    row("light", "openvino", 2, 2.5),
    row("full", "tflite", 1, 8.0),
    row("full", "tflite", 2, 5.0),
    row("full", "openvino", 2, 4.5),
    row("full", "litert-gpu", 1, 390.0, "llvmpipe (a software adapter, no GPU)"),
    row("heavy", "tflite", 2, 10.0),
    row("heavy", "openvino", 2, 9.0),
    marked("light", "coral", "not here", "no Edge TPU library"),
    marked("full", "coral", "not here", "no Edge TPU library"),
    marked("full", "odd", "wrong outputs", "landmarks, max px 4 > 1"),
]


@pytest.fixture
def report() -> Report:
    device = fingerprint.device(fingerprint.state())
    return Report("2026-11-22T10:00:00+0000", "edgehands bench --table", device, ["too hot"], ROWS)


def test_the_papers_table_is_the_papers() -> None:
    paper = published.paper()
    assert [(each.name, each.params, each.mse) for each in paper.networks] == [
        ("Light", 1_000_000, 11.83),
        ("Full", 1_980_000, 10.05),
        ("Heavy", 4_020_000, 9.817),
    ]
    times = {each.device: list(each.milliseconds.values()) for each in paper.latencies}
    assert times == {
        "Pixel 3": [6.6, 16.1, 36.9],
        "Samsung S20": [5.6, 11.1, 25.8],
        "iPhone 11": [1.1, 5.3, 7.5],
    }
    known = {model.id: model.paper for model in shipped_catalog().models}
    for network in paper.networks[:2]:
        said = known[network.model]
        assert said is not None
        assert (said.params, said.mse) == (network.params, network.mse)


def test_every_source_says_where_when_and_what() -> None:
    for source in (published.paper(), *published.others()):
        assert source.url.startswith("https://")
        assert source.published.startswith("20")
        assert source.includes
        assert source.latencies


def test_ours_stand_below_the_papers_with_the_best_backend_first() -> None:
    assert columns(ROWS) == [("openvino", 2), ("tflite", 2), ("litert-gpu", 1)]
    grid = paper_grid(ROWS)
    assert grid.heads[4:] == (
        *("Pixel\n3", "Samsung\nS20", "iPhone\n11"),
        *("openvino\n2 thr.", "tflite\n2 thr.", "litert-gpu\n1 thr."),
    )
    light, ours, *_ = grid.rows
    assert light[:2] == ("Light, paper (cited)", "1.00")
    assert light[4:] == ("6.6", "5.6", "1.1", "–", "–", "–")
    assert ours[0] == "Light, here"
    assert ours[4:] == ("–", "–", "–", "2.50", "3.00", "–")
    assert grid.cited == {0, 2, 4}
    notes = " ".join(grid.notes)
    assert "shipped as Full has 2.72 M where the paper's had 1.98 M" in notes
    assert "Full on two views" in notes
    assert "do not compare" in notes


def test_cited_rows_are_marked_in_every_form() -> None:
    page = paper_grid(ROWS).markdown()
    assert "| *Full, paper (cited)* | *1.98* | *10.05* |" in page
    assert "| Full, here | 2.72 |" in page
    for grid in (cited_grid(), quality_grid()):
        assert grid.cited == set(range(len(grid.rows)))
        assert "cited" in grid.title
    assert "| *Raspberry Pi 4B, 1.5 GHz, OpenCV DNN, CPU* | *97.05* | *42.58* |" in (
        cited_grid().markdown()
    )
    assert "*17.12*" in cited_grid().markdown()


def test_rows_are_ranked_by_speed_and_marked_ones_come_last() -> None:
    (grid,) = grids(Report("", "", fingerprint.device(fingerprint.state()), [], ROWS))
    full = [cells for cells in grid.rows if cells[0] == "full"]
    assert [cells[1] for cells in full] == [
        *("openvino", "tflite", "tflite", "litert-gpu*"),
        *("coral", "odd"),
    ]
    assert full[-1][3] == "wrong outputs"
    assert "software adapter" in grid.notes[0]
    assert refused(ROWS) == [
        "coral (light, full): not here: no Edge TPU library",
        "odd (full): wrong outputs: landmarks, max px 4 > 1",
    ]
    shown = io.StringIO()
    Console(file=shown, width=200).print(grid.terminal())
    assert "wrong outputs" in shown.getvalue()


def test_the_page_has_command_device_warnings_tables_and_picture(
    report: Report, tmp_path: Path
) -> None:
    page = document.markdown(
        report, tmp_path / "docs/latency.md", tmp_path / "docs/latency.png", with_paper=True
    )
    assert "by `edgehands bench --table`" in page
    assert "**too hot**" in page
    assert "](latency.png)" in page
    assert page.index("Light, Full and Heavy") < page.index("## Landmark models")
    assert "odd (full): wrong outputs" in page
    short = document.markdown(report, tmp_path / "x.md", None, with_paper=False)
    assert "cited" not in short
    assert "![" not in short


@pytest.mark.slow
def test_the_picture_can_be_drawn_of_any_report(report: Report, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for name, rows in (("all", ROWS), ("one", ROWS[:1]), ("none", ROWS[-1:])):
        path = tmp_path / f"{name}.png"
        chart.draw(Report(report.made, "", report.device, [], rows), path)
        picture = cv2.imread(str(path))
        assert picture is not None
        assert picture.shape[0] > 500
        assert picture.std() > 5


def test_figures_have_three_digits() -> None:
    values = (0.123, 1.234, 12.34, 123.4, 1234.0, None)
    assert [number(value) for value in values] == ["0.12", "1.23", "12.3", "123", "1234", "–"]
    assert percent(0.0692) == "6.9 %"
    assert percent(None) == "–"
