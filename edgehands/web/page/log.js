// Events as they come, the latest first. Values of one gesture share a line.

import { make, words } from "./dom.js";

const MOST = 200;

export class Log {
  constructor(list, none) {
    this.list = list;
    this.none = none;
  }

  clear() {
    this.list.replaceChildren();
    this.none.hidden = false;
  }

  add(events) {
    this.none.hidden = true;
    for (const event of events) {
      const first = this.list.firstElementChild;
      const again = event.phase === "value" && first?.dataset.event === event.event_type;
      if (again) first.remove();
      this.list.prepend(row(event));
    }
    while (this.list.childElementCount > MOST) this.list.lastElementChild.remove();
  }
}

function row(event) {
  const side = event.hand.side;
  const chip = make("span", { className: `chip dot ${side}`, text: side === "left" ? "L" : "R" });
  chip.title = `${side} hand ${event.hand.id}`;
  const item = make("li", { className: event.phase === "hold" ? "later" : "" },
    make("time", { text: clock(event.ts) }),
    make("span", { className: "what", text: told(event) }),
    make("span", { className: "score", text: event.score.toFixed(2) }),
    chip);
  Object.assign(item.dataset, { id: event.id, event: event.event_type, hand: event.hand.id, score: event.score });
  return item;
}

function told(event) {
  const name = words(event.gesture ?? event.event_type);
  const ends = {
    end: `${name} ends`,
    hold: `${name}, ${(event.duration ?? 0).toFixed(0)} s`,
    value: `${name} ${Object.values(event.value ?? {}).map((value) => value.toFixed(2)).join(" ")}`,
    enter: "hand enters",
    leave: "hand leaves",
  };
  return ends[event.phase] ?? name;
}

// Seconds since 1970, or since a file's beginning.
function clock(seconds) {
  if (seconds < 1e8) return `${seconds.toFixed(1)} s`;
  return new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });
}
