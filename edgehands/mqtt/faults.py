"""Why a connection failed, in words that say what to do; never with a secret in them."""

from __future__ import annotations

import socket
import ssl


class ConnectionFailedError(Exception):
    """A connection could not be made, or ended.

    Args:
        reason: one line.
        patient: to try again at once would do harm.
        older: the broker speaks an older version of MQTT, and said so.
        silent: it said nothing, as some do to a version that they do not know.
    """

    def __init__(
        self, reason: str, *, patient: bool = False, older: bool = False, silent: bool = False
    ) -> None:
        super().__init__(reason)
        self.patient = patient
        self.older = older
        self.silent = silent


_CERTIFICATE_REASONS = {
    "certificate has expired": "its certificate has expired: renew it on the broker, or look "
    "whether the clock of this device is right",
    "certificate is not yet valid": "its certificate is not valid yet: look whether the clock of "
    "this device is right",
    "self-signed certificate": "its certificate is self-signed: give the certificate as ca_file",
    "self-signed certificate in certificate chain": "its certificate is signed by an authority "
    "that is not trusted: give that authority's certificate as ca_file",
    "unable to get local issuer certificate": "its certificate is signed by an authority that is "
    "not trusted: give that authority's certificate as ca_file",
}

_NETWORK_REASONS = {
    socket.gaierror: "there is no host of that name",
    TimeoutError: "no answer",
    ConnectionRefusedError: "nothing listens there",
}

_REFUSALS = {
    "Bad user name or password": "user name or password is wrong",
    "Not authorized": "user name or password is wrong, or this user may not connect",
    "Client identifier not valid": "it does not accept this client id",
    "Server unavailable": "it is busy",
}


def why_not_connected(error: BaseException) -> str:
    """Say why no connection came about."""
    if isinstance(error, ssl.SSLCertVerificationError):
        message = error.verify_message
        if "mismatch" in message:  # Hostname mismatch, IP address mismatch
            return "its certificate is for another host: connect by a name that stands in it"
        return _CERTIFICATE_REASONS.get(message, f"its certificate is refused: {message}")
    if isinstance(error, ssl.SSLError):
        return f"no TLS: {error.reason or error}; is it a TLS port?".replace("_", " ").lower()
    for kind, words in _NETWORK_REASONS.items():
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError):
        return (error.strerror or str(error) or type(error).__name__).lower()
    return f"it sent something odd ({type(error).__name__})"


def why_refused(reason: str) -> str:
    """Say why the broker refused, from the name of its reason code."""
    return f"refused: {_REFUSALS.get(reason, reason.lower())}"
