"""Puts EdgeHands on this machine as a service of systemd, and takes it away again.

The service gets an environment of its own under /opt/edgehands, so that it does not change with a
user's, and lies where its sandbox may look.
"""
