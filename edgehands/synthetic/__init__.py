"""Hands that this project draws itself, with exact ground truth.

No picture of a real hand can be shipped with open terms, so the demo clip, the `synthetic:` camera
and the accuracy set are rendered: bones (`anatomy`), joint angles (`pose`), skin as a distance
function (`surface`), sphere tracing (`march`, `render`), pictures (`scene`, `background`,
`sensor`). What to use from outside:

- `DEMO_CLIP` and `truth.load_clip_truth()`: the shipped clip and what is in it (made by `clip`);
- `dataset.accuracy_set(seed, count)`: random pictures with truth, drawn once and cached;
- `stream.SyntheticStream().frame_at(time)`: an endless live picture.
"""

from __future__ import annotations

from pathlib import Path

DEMO_CLIP = Path(__file__).with_name("demo.mp4")
"""The clip that comes with the package: 640×480, 25 frames a second."""
DEMO_TRUTH = DEMO_CLIP.with_name("demo.npz")
"""Its ground truth, for `truth.load_clip_truth`."""
