"""Look-alikes of MediaPipe's messages; none of them is a protobuf."""

from edgehands.compat.mediapipe.framework.formats import classification_pb2, landmark_pb2

__all__ = ["classification_pb2", "landmark_pb2"]
