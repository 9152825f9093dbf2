"""A program written for MediaPipe's legacy API; tests run it with either library."""

# Written as such programs are, not as this project is.
# ruff: noqa: B905, T201
# mypy: ignore-errors

import json
import sys

import cv2
import mediapipe as mp


def found(results):
    hands = zip(
        results.multi_hand_landmarks or [],
        results.multi_hand_world_landmarks or [],
        results.multi_handedness or [],
    )
    return [
        {
            "label": handedness.classification[0].label,
            "index": handedness.classification[0].index,
            "landmarks": [(point.x, point.y, point.z) for point in landmarks.landmark],
            "world": [(point.x, point.y, point.z) for point in world.landmark],
        }
        for landmarks, world, handedness in hands
    ]


def main(picture, clip, drawn):
    with mp.solutions.hands.Hands(static_image_mode=True, max_num_hands=2) as hands:
        image = cv2.imread(picture)
        results = hands.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    for landmarks in results.multi_hand_landmarks:
        mp.solutions.drawing_utils.draw_landmarks(
            image,
            landmarks,
            mp.solutions.hands.HAND_CONNECTIONS,
            mp.solutions.drawing_styles.get_default_hand_landmarks_style(),
            mp.solutions.drawing_styles.get_default_hand_connections_style(),
        )
    cv2.imwrite(drawn, image)
    print(json.dumps(found(results)))
    capture = cv2.VideoCapture(clip)
    with mp.solutions.hands.Hands(max_num_hands=1) as hands:
        while True:
            ok, image = capture.read()
            if not ok:
                break
            print(json.dumps(found(hands.process(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))))


main(*sys.argv[1:])
