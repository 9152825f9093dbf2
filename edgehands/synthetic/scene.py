"""Pictures of hands with exact ground truth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edgehands.synthetic.anatomy import ADULT, Anatomy
from edgehands.synthetic.pose import GESTURES, Pose, Skeleton, pose_skeleton
from edgehands.synthetic.render import Layer, Light, render_hand
from edgehands.synthetic.sensor import Picture, Sensor, develop, to_linear
from edgehands.synthetic.skin import Look
from edgehands.synthetic.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edgehands.hand import ImageArray
    from edgehands.synthetic.camera import Camera, Placement


@dataclass(frozen=True, slots=True)
class Actor:
    """One hand in a scene."""

    placement: Placement
    pose: Pose = GESTURES["open_palm"]
    gesture: str = "open_palm"
    anatomy: Anatomy = ADULT
    look: Look = field(default_factory=Look)

    def skeleton(self) -> Skeleton:
        """Return the posed bones in the hand frame."""
        return pose_skeleton(self.anatomy, self.pose)

    def render(self, camera: Camera, light: Light) -> Layer:
        """Draw this hand alone."""
        return render_hand(
            self.anatomy, self.skeleton(), self.placement, camera, light=light, look=self.look
        )

    def truth(self, camera: Camera) -> Truth:
        """Project the joints."""
        joints = self.placement.to_camera(self.skeleton().joints)
        depth = joints[:, 2] - joints[0, 2]
        landmarks = np.column_stack([camera.project(joints), depth * camera.focal / joints[0, 2]])
        world = (joints - joints.mean(axis=0)) / 1000.0
        return Truth(
            landmarks.astype(np.float32),
            world.astype(np.float32),
            "left" if self.placement.left else "right",
            self.gesture,
        )


def draw(
    actors: Iterable[Actor],
    camera: Camera,
    backdrop: Picture,
    *,
    light: Light,
    sensor: Sensor,
    rng: np.random.Generator,
) -> ImageArray:
    """Draw a picture, uint8 [H, W, 3] RGB.

    Args:
        actors: The hands; one nearer to the camera covers one behind it.
        camera: Gives the picture's size.
        backdrop: [H, W, 3] sRGB, 0 to 1.
        light: Shines on the hands; the backdrop is taken as it is.
        sensor: Blur, noise and exposure.
        rng: Draws the noise.
    """
    picture = to_linear(backdrop)
    for actor in sorted(actors, key=lambda one: -one.placement.position[2]):
        layer = actor.render(camera, light)
        height, width = layer.coverage.shape
        under = picture[layer.y : layer.y + height, layer.x : layer.x + width]
        under += (layer.colour - under) * layer.coverage[..., None]
    return develop(picture, sensor, rng)
