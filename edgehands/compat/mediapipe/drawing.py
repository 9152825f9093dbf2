"""Drawing hands into a picture with OpenCV, or as a plot: shared by both of MediaPipe's modules."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from edgehands.compat.mediapipe.framework.formats.message import Message
from edgehands.errors import UsageError

if TYPE_CHECKING:
    from edgehands.hand import ImageArray

Color: TypeAlias = tuple[int, int, int]

WHITE_COLOR: Color = (224, 224, 224)
BLACK_COLOR: Color = (0, 0, 0)
RED_COLOR: Color = (0, 0, 255)
GREEN_COLOR: Color = (0, 128, 0)
BLUE_COLOR: Color = (255, 0, 0)

_SEEN = 0.5  # below this visibility or presence a landmark is not drawn


@dataclass
class DrawingSpec:
    """How a point or a line looks: its colour (B, G, R), and pixels."""

    color: Color = WHITE_COLOR
    thickness: int = 2
    circle_radius: int = 2


class Point(Protocol):
    """A landmark of either API."""

    x: float
    y: float
    z: float


class PointList(Protocol):
    """A message with landmarks."""

    @property
    def landmark(self) -> Sequence[Point]:
        """The landmarks."""


class Bone(Protocol):
    """A connection as Tasks has it."""

    start: int
    end: int


Key = TypeVar("Key")
Landmarks: TypeAlias = "PointList | Sequence[Point]"
Bones: TypeAlias = Iterable["tuple[int, int] | Bone"]
Style: TypeAlias = "DrawingSpec | Mapping[Key, DrawingSpec]"


def draw_landmarks(
    image: ImageArray,
    landmark_list: Landmarks | None,
    connections: Bones | None = None,
    landmark_drawing_spec: Style[int] | None = DrawingSpec(color=RED_COLOR),  # noqa: B008
    connection_drawing_spec: Style[tuple[int, int]] = DrawingSpec(),  # noqa: B008
    is_drawing_landmarks: bool = True,
) -> None:
    """Draw a hand's bones, then its landmarks, into `image`.

    Args:
        image: uint8 [H, W, 3], B, G, R; drawn into.
        landmark_list: a NormalizedLandmarkList, or a list of NormalizedLandmark; nothing is drawn
            for none.
        connections: pairs of landmarks, or connections with start and end.
        landmark_drawing_spec: for all landmarks, or for each index; None draws none of them.
        connection_drawing_spec: for all connections, or for each pair.
        is_drawing_landmarks: False leaves the landmarks out.

    Raises:
        ValueError: no such image, or a connection to a landmark that is not there.
    """
    if not landmark_list:
        return
    if image.ndim != 3 or image.shape[2] != 3:
        raise UsageError("Input image must contain three channel bgr data.")
    import cv2

    points = _points(landmark_list)
    height, width = image.shape[:2]
    pixels = {
        index: pixel
        for index, point in enumerate(points)
        if _is_seen(point)
        and (pixel := _normalized_to_pixel_coordinates(point.x, point.y, width, height))
    }
    for bone in pairs(connections, len(points)):
        if bone[0] in pixels and bone[1] in pixels:
            spec = _spec(connection_drawing_spec, bone)
            cv2.line(image, pixels[bone[0]], pixels[bone[1]], spec.color, spec.thickness)
    if not is_drawing_landmarks or not landmark_drawing_spec:
        return
    for index, pixel in pixels.items():
        spec = _spec(landmark_drawing_spec, index)
        border = max(spec.circle_radius + 1, int(spec.circle_radius * 1.2))
        cv2.circle(image, pixel, border, WHITE_COLOR, spec.thickness)
        cv2.circle(image, pixel, spec.circle_radius, spec.color, spec.thickness)


def plot_landmarks(
    landmark_list: Landmarks | None,
    connections: Bones | None = None,
    landmark_drawing_spec: DrawingSpec = DrawingSpec(color=RED_COLOR, thickness=5),  # noqa: B008
    connection_drawing_spec: DrawingSpec = DrawingSpec(color=BLACK_COLOR, thickness=5),  # noqa: B008
    elevation: int = 10,
    azimuth: int = 10,
) -> None:
    """Show a hand as a plot in space; needs matplotlib (the extra `plots`).

    Raises:
        ValueError: a connection to a landmark that is not there.
    """
    if not landmark_list:
        return
    import matplotlib.pyplot as plt

    plt.figure(figsize=(10, 10))
    axes = plt.axes(projection="3d")
    axes.view_init(elev=elevation, azim=azimuth)
    points = _points(landmark_list)
    # Depth goes to the right, the picture's x away from the viewer, its y down.
    places = {i: (-p.z, p.x, -p.y) for i, p in enumerate(points) if _is_seen(p)}
    for place in places.values():
        axes.scatter3D(
            *([value] for value in place),
            color=_rgb(landmark_drawing_spec),
            linewidth=landmark_drawing_spec.thickness,
        )
    for start, end in pairs(connections, len(points)):
        if start in places and end in places:
            axes.plot3D(
                *zip(places[start], places[end], strict=True),
                color=_rgb(connection_drawing_spec),
                linewidth=connection_drawing_spec.thickness,
            )
    plt.show()


def pairs(connections: Bones | None, count: int) -> list[tuple[int, int]]:
    """Return connections of either kind as pairs of indices.

    Raises:
        ValueError: one of them is not among `count` landmarks.
    """
    bones = [
        bone if isinstance(bone, tuple) else (bone.start, bone.end) for bone in connections or ()
    ]
    for start, end in bones:
        if not (0 <= start < count and 0 <= end < count):
            raise UsageError(
                "Landmark index is out of range. Invalid connection "
                f"from landmark #{start} to landmark #{end}."
            )
    return bones


def _normalized_to_pixel_coordinates(
    normalized_x: float, normalized_y: float, image_width: int, image_height: int
) -> tuple[int, int] | None:
    """Return the pixel of a point in shares of the picture; None outside of it.

    Private in MediaPipe, and used by many programs.
    """
    if not (_is_share(normalized_x) and _is_share(normalized_y)):
        return None
    return (
        min(math.floor(normalized_x * image_width), image_width - 1),
        min(math.floor(normalized_y * image_height), image_height - 1),
    )


def _is_share(value: float) -> bool:
    return 0 <= value <= 1 or math.isclose(0, value) or math.isclose(1, value)


def _points(landmark_list: Landmarks) -> Sequence[Point]:
    return landmark_list if isinstance(landmark_list, Sequence) else landmark_list.landmark


def _is_seen(point: Point) -> bool:
    for name in ("visibility", "presence"):
        value = getattr(point, name, None)
        is_set = point.HasField(name) if isinstance(point, Message) else value is not None
        if is_set and value is not None and value < _SEEN:
            return False
    return True


def _spec(style: Style[Key], key: Key) -> DrawingSpec:
    return style[key] if isinstance(style, Mapping) else style


def _rgb(spec: DrawingSpec) -> tuple[float, ...]:
    return tuple(value / 255 for value in reversed(spec.color))
