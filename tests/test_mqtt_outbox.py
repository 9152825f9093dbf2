"""What waits to be published: lives, caps, counts. No broker, no clock."""

from __future__ import annotations

import msgspec
import pytest

from edgehands.mqtt.outbox import (
    CAPACITY,
    SENDABLE,
    STALLED_AFTER,
    WINDOW,
    EventRate,
    Outbox,
    OutboxCounts,
    PendingEvent,
    State,
)
from edgehands.mqtt.rates import RateCap
from edgehands.mqtt.reconnect import Backoff
from tests.brokers import event

TOPIC = "edgehands/a/bench/event"
FAST = EventRate(per_second=1e6, burst=10_000)


class Sender:
    """Sends what an outbox has, and keeps it."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.sent: list[tuple[int, str, bytes]] = []
        self.now = 0.0

    def send(self, now: float) -> list[int]:
        """Send all that may go, and return its numbers."""
        numbers = []
        self.now = now
        while (message := self.outbox.next(now)) is not None:
            numbers.append(len(self.sent) + 1)
            self.sent.append((numbers[-1], message.topic, message.payload(now)))
            self.outbox.sent(message, numbers[-1], now)
        return numbers

    def acknowledge(self, *numbers: int) -> None:
        for number in numbers:
            self.outbox.acknowledged(number, self.now)

    @property
    def seqs(self) -> list[int]:
        return [msgspec.json.decode(payload)["seq"] for _, topic, payload in self.sent]


def open_outbox(rate: EventRate | None = None) -> Outbox:
    """An outbox that trusts its broker from the beginning."""
    return Outbox(rate, first_window=WINDOW)


def put(outbox: Outbox, seq: int, captured: float, now: float | None = None) -> None:
    outbox.put_event(TOPIC, event(seq), captured, captured if now is None else now)


def balance(counts: OutboxCounts) -> int:
    """How many events wait or are on their way."""
    return counts.accepted - (
        counts.acknowledged
        + counts.refused
        + counts.expired
        + counts.overflowed
        + counts.limited
        + counts.undelivered
    )


def test_events_go_in_order_and_are_acknowledged() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    for seq in (1, 2, 3):
        put(outbox, seq, 10.0)
    sender.acknowledge(*sender.send(10.1))
    assert sender.seqs == [1, 2, 3]
    assert outbox.counts == OutboxCounts(accepted=3, sent=3, acknowledged=3)


def test_an_event_tells_its_age_when_it_is_sent_not_when_it_was_put() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, captured=10.0, now=10.2)
    sender.send(11.5)
    assert msgspec.json.decode(sender.sent[0][2])["age_ms"] == 1500.0


def test_an_event_expires_by_its_capture_however_late_it_was_put() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, captured=10.0, now=11.6)
    put(outbox, 2, captured=10.1, now=11.6)
    sender.send(10.0 + SENDABLE)
    assert sender.seqs == [2]
    assert outbox.counts.expired == 1


def test_events_of_a_file_live_from_when_they_were_put() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    outbox.put_event(TOPIC, event(1), None, 100.0)
    outbox.put_event(TOPIC, event(2), None, 101.0)
    sender.send(102.5)
    assert sender.seqs == [2]
    assert msgspec.json.decode(sender.sent[0][2])["age_ms"] is None


def test_a_full_outbox_drops_its_oldest_and_counts_them() -> None:
    outbox = open_outbox(FAST)
    for seq in range(CAPACITY + 10):
        put(outbox, seq, 10.0 + seq / 1000)
    sender = Sender(outbox)
    while numbers := sender.send(10.5):
        sender.acknowledge(*numbers)
    assert sender.seqs == list(range(10, CAPACITY + 10))
    assert outbox.counts.overflowed == 10
    assert balance(outbox.counts) == 0


def test_what_was_not_acknowledged_goes_again_in_order_with_the_same_id() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    for seq in (1, 2, 3):
        put(outbox, seq, 10.0)
    first, *_ = sender.send(10.0)
    sender.acknowledge(first)
    put(outbox, 4, 10.5)
    outbox.disconnected(10.6)
    sender.send(10.7)
    assert sender.seqs == [1, 2, 3, 2, 3, 4]
    assert outbox.counts.repeated == 2
    assert outbox.counts.sent == 6


def test_what_was_not_acknowledged_and_is_too_old_is_counted_as_perhaps_arrived() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, 10.0)
    sender.send(10.0)
    outbox.disconnected(12.5)
    assert sender.send(12.5) == []
    assert (outbox.counts.expired, outbox.counts.unconfirmed) == (1, 1)


def test_a_late_acknowledgement_counts_and_one_of_an_older_connection_does_not() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, 10.0)
    (number,) = sender.send(10.0)
    outbox.disconnected(10.1)
    sender.acknowledge(number)
    assert outbox.counts.acknowledged == 0
    (number,) = sender.send(10.2)
    sender.acknowledge(number)
    assert outbox.counts.acknowledged == 1


def test_only_so_many_are_on_their_way() -> None:
    outbox = open_outbox(FAST)
    sender = Sender(outbox)
    for seq in range(2 * WINDOW):
        put(outbox, seq, 10.0)
    numbers = sender.send(10.0)
    assert len(numbers) == WINDOW
    sender.acknowledge(numbers[0])
    assert len(sender.send(10.0)) == 1


def test_a_broker_shows_that_it_answers_before_it_gets_more_than_one_message() -> None:
    outbox = Outbox(FAST)
    sender = Sender(outbox)
    for seq in range(100):
        put(outbox, seq, 10.0)
    sizes = []
    for _ in range(6):
        numbers = sender.send(10.1)
        sizes.append(len(numbers))
        sender.acknowledge(*numbers)
    assert sizes == [1, 2, 8, 16, 16, 16]
    (first, *_) = sender.send(10.2)
    outbox.acknowledged(first, 10.2 + STALLED_AFTER)
    outbox.disconnected(10.9)
    outbox.connected()
    assert len(sender.send(10.9)) == 1


def test_nothing_is_sent_to_a_broker_that_has_stopped_answering() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, 10.0)
    (number,) = sender.send(10.0)
    put(outbox, 2, 10.0 + STALLED_AFTER)
    assert sender.send(10.0 + STALLED_AFTER) == []
    sender.acknowledge(number)
    assert sender.send(10.1 + STALLED_AFTER)


def test_a_states_latest_value_goes_once_and_again_on_a_new_connection() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    outbox.put_state("state", b"1")
    outbox.put_state("state", b"2")
    sender.acknowledge(*sender.send(10.0))
    outbox.put_state("state", b"2")
    sender.acknowledge(*sender.send(20.0))
    assert sender.sent == [(1, "state", b"2")]
    outbox.disconnected(21.0)
    outbox.connected()
    sender.send(22.0)
    assert sender.sent[1:] == [(2, "state", b"2")]


def test_all_states_go_at_once_on_a_new_connection_and_two_a_second_later() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    for name in "abcd":
        outbox.put_state(name, b"1")
    outbox.connected()
    sender.acknowledge(*sender.send(10.0))
    assert len(sender.sent) == 4
    sender.sent.clear()
    for tick in range(1000):
        for name in "abcd":
            outbox.put_state(name, str(tick).encode())
        sender.acknowledge(*sender.send(10.0 + tick / 100))
    assert len(sender.sent) == 20
    assert {topic for _, topic, _ in sender.sent} == set("abcd")  # each has its turn


def test_an_answer_to_a_command_goes_before_other_states() -> None:
    outbox = open_outbox()
    for name in ("a", "b"):
        outbox.put_state(name, b"1")
    outbox.put_state("enabled", b"ON", urgent=True)
    message = outbox.next(10.0)
    assert isinstance(message, State)
    assert message.topic == "enabled"


def test_what_goes_first_does_not_wait_for_others_nor_they_for_ever() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    for name in ("a", "b", "camera"):
        outbox.put_state(name, b"1", first=name == "camera")
    sender.acknowledge(*sender.send(10.0))
    for tick in range(1, 7):
        outbox.put_state("camera", b"changed %d" % tick, first=True)
        sender.acknowledge(*sender.send(10.0 + tick / 2))
    topics = [topic for _, topic, _ in sender.sent]
    assert topics == ["camera", "camera", "camera", "a", "camera", "camera", "camera"]


def test_events_above_the_rate_are_dropped_and_counted() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    for seq in range(600):  # ten a second for a minute, from two cameras
        for camera in "ab":
            outbox.put_event(f"{camera}/event", event(seq), seq / 10, seq / 10)
        sender.acknowledge(*sender.send(seq / 10))
    per_camera = [topic for _, topic, _ in sender.sent].count("a/event")
    assert per_camera == 10 + 5 * 60 - 1
    assert outbox.counts.limited == 2 * (600 - per_camera)
    assert balance(outbox.counts) == 0


def test_the_rate_of_a_file_is_that_of_its_own_time() -> None:
    outbox = open_outbox()
    for seq in range(100):
        outbox.put_event(TOPIC, msgspec.structs.replace(event(seq), ts=float(seq)), None, 5.0)
    assert outbox.counts.limited == 0


def test_a_passing_value_replaces_the_one_that_waits_and_is_soon_forgotten() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    outbox.put_passing("knob", b"1", None, 10.0)
    outbox.put_passing("knob", b"2", None, 10.0)
    sender.send(10.0)
    outbox.put_passing("knob", b"3", None, 10.01)
    sender.send(20.0)
    assert sender.sent == [(1, "knob", b"2")]


def test_a_passing_value_tells_its_age_and_expires_by_its_capture() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    outbox.put_passing("knob", event(1), 10.0, 10.2)
    sender.send(11.5)
    outbox.put_passing("knob", event(2), 20.0, 21.6)
    sender.send(20.0 + SENDABLE)
    ((_, _, payload),) = sender.sent
    assert msgspec.json.decode(payload)["age_ms"] == 1500.0
    assert sender.seqs == [1]


def test_a_value_that_was_dropped_is_not_sent() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    outbox.put_passing("knob", event(1), 10.0, 10.0)
    outbox.drop_passing("knob")
    outbox.drop_passing("nothing")
    sender.send(10.0)
    assert sender.sent == []


def test_closing_counts_what_is_given_up() -> None:
    outbox = open_outbox()
    sender = Sender(outbox)
    put(outbox, 1, 10.0)
    sender.send(10.0)
    put(outbox, 2, 10.1)
    outbox.close()
    assert (outbox.counts.undelivered, outbox.counts.unconfirmed) == (2, 1)
    assert balance(outbox.counts) == 0


def test_a_refused_event_is_not_acknowledged() -> None:
    outbox = open_outbox()
    put(outbox, 1, 10.0)
    message = outbox.next(10.0)
    assert isinstance(message, PendingEvent)
    outbox.sent(message, 7, 10.0)
    assert outbox.acknowledged(7, 10.0, refused=True) == TOPIC
    assert (outbox.counts.refused, outbox.counts.acknowledged) == (1, 0)


def test_it_says_how_long_there_is_nothing_to_do() -> None:
    outbox = open_outbox()
    assert outbox.wait(10.0) is None
    outbox.put_state("a", b"1")
    assert outbox.wait(10.0) == 0.0
    Sender(outbox).send(10.0)
    outbox.put_state("a", b"2")
    assert outbox.wait(10.1) == pytest.approx(0.4)


def test_a_clock_that_goes_back_stops_a_rate_cap_for_no_longer_than_that() -> None:
    cap = RateCap(rate=1.0, burst=1)
    assert cap.take(1000.0)
    assert not cap.take(5.0)
    assert cap.take(6.0)


@pytest.mark.parametrize(("outage", "limit"), [(30.0, 1.5), (3600.0, 5.0)])
def test_attempts_never_wait_longer_than_the_cap(outage: float, limit: float) -> None:
    backoff = Backoff(chance=lambda: 1.0)
    backoff.delay(0.0)
    delays = [backoff.delay(outage) for _ in range(20)]
    assert max(delays) == limit


def test_the_first_attempt_comes_soon_and_an_answer_forgets_the_outage() -> None:
    backoff = Backoff(chance=lambda: 1.0)
    assert backoff.delay(0.0) == 0.1
    for _ in range(20):
        backoff.delay(1.0)
    backoff.reset()
    assert backoff.delay(100.0) == 0.1


def test_a_fleet_spreads_its_attempts() -> None:
    chance = iter([0.0, 0.0, 1.0])
    backoff = Backoff(spread=20.0, chance=lambda: next(chance))
    assert [backoff.delay(0.0) for _ in range(3)] == [0.0, 10.0, 20.0]


def test_where_haste_does_harm_it_waits() -> None:
    assert Backoff(chance=lambda: 0.0).delay(0.0, patient=True) == 5.0
