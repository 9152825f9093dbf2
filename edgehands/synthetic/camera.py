"""A pinhole camera, and where a hand stands before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgehands.synthetic.pose import Array, rotation_x, rotation_y, rotation_z


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera at the origin that looks along z; x is right, y is down, millimetres."""

    width: int = 640
    height: int = 480
    focal: float = 620.0
    """Pixels; 620 on a picture 640 wide is a webcam's 55°."""

    def project(self, points: Array) -> Array:
        """Return the pixels [N, 2] of camera points [N, 3]; (0, 0) is the picture's corner."""
        centre = np.array([self.width / 2, self.height / 2])
        return np.asarray(points[:, :2] / points[:, 2:] * self.focal + centre)


@dataclass(frozen=True, slots=True)
class Placement:
    """How a hand stands in front of the camera."""

    position: tuple[float, float, float]
    """Of the wrist in the camera's frame, millimetres."""
    yaw: float = 0.0
    """Degrees about the hand's own long axis: 0 shows the palm, 180 the back."""
    pitch: float = 0.0
    """Degrees by which the fingers lean away from the camera."""
    roll: float = 0.0
    """Degrees clockwise on the picture; 0 has the fingers up."""
    left: bool = False
    """A left hand: the right one in a mirror."""

    @property
    def rotation(self) -> Array:
        """[3, 3]: from the hand frame to the camera's; of determinant -1 for a left hand."""
        mirror = np.diag([-1.0 if self.left else 1.0, 1.0, 1.0])
        turn = rotation_z(self.roll) @ rotation_x(-self.pitch) @ rotation_y(self.yaw)
        return np.asarray(turn @ mirror)

    def to_camera(self, points: Array) -> Array:
        """Carry points [N, 3] from the hand frame to the camera's."""
        return np.asarray(points @ self.rotation.T + np.asarray(self.position))
