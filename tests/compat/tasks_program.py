"""A program written for MediaPipe Tasks; tests run it with either library."""

# Written as such programs are, not as this project is.
# ruff: noqa: B905, T201
# mypy: ignore-errors

import json
import sys

import cv2
import mediapipe as mp
from mediapipe.tasks import python
from mediapipe.tasks.python import vision


def found(result):
    return [
        {
            "label": handedness[0].category_name,
            "index": handedness[0].index,
            "landmarks": [(point.x, point.y, point.z) for point in landmarks],
            "world": [(point.x, point.y, point.z) for point in world],
        }
        for landmarks, world, handedness in zip(
            result.hand_landmarks, result.hand_world_landmarks, result.handedness
        )
    ]


def options(bundle, mode, hands):
    return vision.HandLandmarkerOptions(
        base_options=python.BaseOptions(model_asset_path=bundle),
        running_mode=mode,
        num_hands=hands,
    )


def main(picture, clip, bundle):
    whole = mp.Image.create_from_file(picture)
    turned = cv2.rotate(whole.numpy_view()[:, :, :3], cv2.ROTATE_90_COUNTERCLOCKWISE)
    turned = mp.Image(image_format=mp.ImageFormat.SRGB, data=turned)
    with vision.HandLandmarker.create_from_options(
        options(bundle, vision.RunningMode.IMAGE, 2)
    ) as landmarker:
        print(json.dumps(found(landmarker.detect(whole))))
        upright = vision.ImageProcessingOptions(rotation_degrees=90)
        print(json.dumps(found(landmarker.detect(turned, upright))))
    capture = cv2.VideoCapture(clip)
    with vision.HandLandmarker.create_from_options(
        options(bundle, vision.RunningMode.VIDEO, 1)
    ) as landmarker:
        frame = 0
        while True:
            ok, image = capture.read()
            if not ok:
                break
            image = mp.Image(mp.ImageFormat.SRGB, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
            print(json.dumps(found(landmarker.detect_for_video(image, frame * 40))))
            frame += 1


main(*sys.argv[1:])
