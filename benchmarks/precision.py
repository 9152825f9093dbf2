"""What int8 costs and what it saves: `python -m edgehands.benchmarks.precision`.

Each model as it is, without the channels that never say anything, and quantised in three ways; the
error on synthetic hands, on labelled photographs and on a clip, where $EDGEHANDS_MEDIA has them,
beside the time of a run. The synthetic pictures and the photographs were not used to choose the
way; the clip, without its truth, was looked at.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track

from edgehands import int8_gate
from edgehands.benchmarks.accuracy import RESULTS, labelled_photographs
from edgehands.calibration import calibration
from edgehands.cameras import open_camera
from edgehands.landmarks import distance_in_palms
from edgehands.models import store
from edgehands.models.catalog import shipped_catalog
from edgehands.models.convert.channels import prune
from edgehands.models.convert.editor import Editor
from edgehands.models.convert.fp32 import to_fp32
from edgehands.models.convert.int8 import BEST, PLAIN, to_int8
from edgehands.selection import load_backend
from edgehands.stages import ModelLandmarkStage, ModelPalmStage
from edgehands.synthetic.dataset import REPORTING_SEED
from edgehands.tracker import StageTracker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgehands.hand import FloatArray
    from edgehands.inference import ModelFile, Session

PLANS = {
    "int8, as the quantiser does it": PLAIN,
    "int8, all layers": replace(BEST, stem=False, heads=False, trunk=False),
    "int8": BEST,
}
"""The last is what `edgehands models build int8` makes."""
_CLIP = "tfjs-models/asl_hand.25fps.mp4"
_THREADS = (1, 2)


def variants(model: ModelFile, pictures: Sequence[FloatArray]) -> dict[str, ModelFile]:
    """Return the model in every form that is compared, the original first."""
    editor = Editor(model, to_fp32(model))
    prune(editor)
    files = {"fp32": model, "fp32, dead channels out": _with(model, editor.pack())}
    for name, plan in PLANS.items():
        files[name] = _with(model, to_int8(model, pictures, plan))
    return files


def times(files: dict[str, ModelFile], picture: FloatArray, threads: int, runs: int) -> Any:
    """Return the median time of each in ms and as a share of the first's, runs interleaved."""
    sessions = {name: _opened(file, threads) for name, file in files.items()}
    taken: dict[str, list[float]] = {name: [] for name in files}
    for number in range(-5, runs):
        for name, session in sessions.items():
            session.input[0] = picture
            begin = time.perf_counter()
            session.run()
            if number >= 0:
                taken[name].append(time.perf_counter() - begin)
    first = np.array(next(iter(taken.values())))
    return {
        name: {
            "median_ms": round(float(np.median(each)) * 1000, 3),
            # Of neighbours: what slows the machine for a while slows both.
            "ratio": round(float(np.median(np.array(each) / first)), 3),
        }
        for name, each in taken.items()
    }


def follow(landmarks: ModelFile, palm: ModelFile, clip: Path) -> list[FloatArray | None]:
    """Return the landmarks of the hand in each frame of a clip."""
    stages = ModelPalmStage(_opened(palm), 0.5), ModelLandmarkStage(_opened(landmarks))
    with StageTracker(*stages, max_hands=1) as tracker, open_camera(str(clip)) as camera:
        found = (tracker.update(frame.image, frame.time) for frame in camera)
        return [hands[0].landmarks if hands else None for hands in found]


def agreement(one: list[FloatArray | None], two: list[FloatArray | None]) -> dict[str, float]:
    """Return how far two followings of a clip are apart: pixels, and shares of palm size."""
    both = [(a, b) for a, b in zip(one, two, strict=True) if a is not None and b is not None]
    pixels = [float(np.linalg.norm(a[:, :2] - b[:, :2], axis=1).mean()) for a, b in both]
    return {
        "frames": len(both),
        "lost": sum(a is not None for a in one) - len(both),
        "px": float(np.mean(pixels)),
        "share": float(np.mean([distance_in_palms(b, a) for a, b in both])),
    }


def _with(model: ModelFile, data: bytes) -> ModelFile:
    return replace(model, data=data, sha256=hashlib.sha256(data).hexdigest())


def _opened(model: ModelFile, threads: int = 2) -> Session:
    return load_backend("tflite").open_session(
        model, batch=1, device=None, threads=threads, options={}
    )


def measured(
    model: ModelFile, pictures: Sequence[FloatArray], media: Path | None, count: int, runs: int
) -> dict[str, Any]:
    """Return all the figures of a model's variants."""
    files = variants(model, pictures)
    rows: dict[str, Any] = {name: {"bytes": len(file.data)} for name, file in files.items()}
    for threads in _THREADS:
        for name, row in times(files, pictures[0], threads, runs).items():
            rows[name][f"threads_{threads}"] = row
    photographs = []
    reference: list[FloatArray | None] = []
    palm = model
    if media and model.role == "landmarks":
        palm = store.load(shipped_catalog().get(model.id).palm or "")
        photographs = [
            (picture.image, hand.landmarks)
            for picture in labelled_photographs(media)
            for hand in picture.hands
        ]
        reference = follow(model, palm, media / _CLIP)
    for name, file in files.items():
        row = rows[name]
        row["synthetic"] = int8_gate.judge(model, file, pictures=count, seed=REPORTING_SEED).figures
        if photographs:
            with _opened(model) as before, _opened(file) as after:
                row["photographs"] = int8_gate.compare_landmarks(photographs, before, after)
            row["clip"] = agreement(reference, follow(file, palm, media / _CLIP))  # type: ignore[operator]
    return rows


def table(models: dict[str, dict[str, Any]]) -> str:
    """Return the figures as Markdown, one table a model."""
    return "\n\n".join(
        f"**{name}**\n\n" + (_palm_table(rows) if "palm" in name else _landmark_table(rows))
        for name, rows in models.items()
    )


def _landmark_table(rows: dict[str, Any]) -> str:
    head = (
        "| variant | MB | error, synthetic | off fp32 | error, photographs | clip, off fp32 "
        "| 1 thread | 2 threads |\n|---|---|---|---|---|---|---|---|"
    )
    lines = [head]
    for name, row in rows.items():
        synthetic, photographs, clip = (row.get(k) for k in ("synthetic", "photographs", "clip"))
        cells = [
            name,
            f"{row['bytes'] / 1e6:.1f}",
            _rise(synthetic),
            f"{synthetic['deviation']:.2%}",
            _rise(photographs) if photographs else "–",
            f"{clip['px']:.2f} px, {clip['share']:.2%}" if clip else "–",
            *_times(row),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _palm_table(rows: dict[str, Any]) -> str:
    lines = [
        "| variant | MB | recall | false palms | 1 thread | 2 threads |\n|---|---|---|---|---|---|"
    ]
    for name, row in rows.items():
        figures = row["synthetic"]
        recall, false = f"{figures['recall_after']:.1%}", f"{figures['false_after']:.0f}"
        cells = [name, f"{row['bytes'] / 1e6:.1f}", recall, false, *_times(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _rise(figures: dict[str, float]) -> str:
    after, before = figures["error_after"], figures["error_before"]
    return f"{after:.2%} ({after / before - 1:+.1%})"


def _times(row: dict[str, Any]) -> list[str]:
    each = [row[f"threads_{threads}"] for threads in _THREADS]
    return [f"{times['median_ms']:.1f} ms, {times['ratio']:.2f}×" for times in each]


def main(
    count: Annotated[int, typer.Option(help="Synthetic pictures.")] = 160,
    runs: Annotated[int, typer.Option(help="Timed runs of each variant.")] = 150,
    model: Annotated[list[str] | None, typer.Option(help="Only these models.")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = RESULTS,
) -> None:
    """Measure, print the tables and write them, with the figures as JSON, to a folder."""
    media = os.environ.get("EDGEHANDS_MEDIA")
    pictures = calibration()
    names = model or ["light", "full", "palm-lite", "palm-full"]
    files = [store.load(name) for name in names]
    models = {
        file.id: measured(file, pictures.of(file), Path(media) if media else None, count, runs)
        for file in track(files, "measuring", console=Console(stderr=True))
    }
    command = f"python -m edgehands.benchmarks.precision --count {count} --runs {runs}"
    real = ""
    if media:
        real = (
            ", on 5 labelled photographs, and on a clip of 325 frames followed from the first, "
            "which was looked at in choosing"
        )
    text = (
        f"Reported on {count} synthetic pictures that nothing was chosen on{real}. Errors and "
        "distances are mean shares of palm size. Times are medians on "
        f"{platform.machine()} with {os.cpu_count()} busy cores; the ratio is to the run of fp32 "
        "just before, and times of different tables do not compare. "
        f"Made by `{command}`.\n\n{table(models)}\n"
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "int8.md").write_text(text, encoding="utf-8")
    record = {
        "command": command,
        "machine": platform.platform(),
        "versions": {name: version(name) for name in ("ai-edge-litert", "ai-edge-quantizer")},
        "sha256": {file.id: file.sha256 for file in files},
        "models": models,
    }
    (out / "int8.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    typer.run(main)
