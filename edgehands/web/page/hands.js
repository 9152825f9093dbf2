// A card for each hand: what it shows, or what the nearest gesture lacks.

import { make, percent, setText, words } from "./dom.js";

const HEIGHTS = {
  straight: "high", apart: "high", up: "high",
  bent: "mid", across: "mid",
  curled: "low", folded: "low",
};
const RULES = { enter_delay: "held for", refractory: "ended", max_speed: "moves at" };

export class Hands {
  constructor(list, none) {
    this.list = list;
    this.none = none;
    this.cards = new Map();
  }

  show(hands) {
    this.none.hidden = hands.length > 0;
    const seen = new Set(hands.map((hand) => hand.id));
    for (const [id, card] of this.cards) {
      if (seen.has(id)) continue;
      card.root.remove();
      this.cards.delete(id);
    }
    for (const hand of hands) {
      if (!this.cards.has(hand.id)) this.cards.set(hand.id, this.card(hand));
      update(this.cards.get(hand.id), hand);
    }
  }

  card(hand) {
    const card = {
      chip: make("span", { className: "chip" }),
      gesture: make("p", { className: "gesture" }),
      who: make("p", { className: "who" }),
      fingers: make("div", { className: "fingers", role: "img" }),
      bars: {},
      why: make("div", { className: "why" }),
      fill: make("span", { className: "fill" }),
      presence: make("span"),
    };
    card.chip.ariaHidden = "true";
    for (const name of Object.keys(hand.fingers)) {
      card.bars[name] = card.fingers.appendChild(make("span", { className: "finger" }));
    }
    const track = make("span", { className: "track" }, card.fill);
    track.ariaHidden = "true";
    card.root = this.list.appendChild(
      make("article", { className: "hand" },
        card.chip,
        make("div", {}, card.gesture, card.who),
        card.fingers,
        make("p", { className: "meter" }, make("span", { text: "Presence" }), track, card.presence),
        card.why),
    );
    card.root.dataset.hand = hand.id;
    return card;
  }
}

function update(card, hand) {
  const side = hand.side === "left" ? "Left" : "Right";
  card.chip.className = `chip ${hand.side}`;
  setText(card.chip, side[0]);
  card.gesture.classList.toggle("none", !hand.gesture);
  setText(card.gesture, hand.gesture ? words(hand.gesture) : "no gesture");
  card.root.dataset.gesture = hand.gesture ?? "";
  card.root.dataset.side = hand.side;
  setText(card.who, `${side} hand ${hand.id}, side ${percent(hand.side_score)} sure`);
  setText(card.presence, hand.presence.toFixed(2));
  card.fill.style.transform = `scaleX(${hand.presence})`;
  const states = Object.entries(hand.fingers);
  for (const [name, state] of states) card.bars[name].className = `finger ${HEIGHTS[state] ?? "mid"}`;
  const told = states.map(([name, state]) => `${name} ${state}`).join(", ");
  if (card.fingers.ariaLabel !== told) card.fingers.ariaLabel = card.fingers.title = told;
  explain(card, hand);
}

function explain(card, { why }) {
  const [head, ...needs] = lines(why);
  const said = [head, ...needs].join("\n");
  if (card.said === said) return;
  card.said = said;
  const list = make("ul", {}, ...needs.map((need) => make("li", { text: need })));
  const calm = why.verdict === "shown" || why.verdict === "nothing";
  card.why.replaceChildren(make(calm ? "span" : "strong", { text: head }), list);
}

function lines({ verdict, gesture, score, reason, needs }) {
  const name = words(gesture);
  const scored = score.toFixed(2);
  const heads = {
    shown: `Shown, score ${scored}`,
    fading: `Its pose is gone: it ends in a moment`,
    waiting: `${name} begins in a moment`,
    blocked: `${name} is held back: ${words(reason)}`,
    torn: `${name} scores ${scored}, but ${reason || "another pose is seen as well"}`,
    short: `Not quite ${name}, score ${scored}`,
    nothing: "Near to no gesture",
  };
  const most = verdict === "shown" || verdict === "nothing" ? 0 : 2;
  return [heads[verdict] ?? verdict, ...needs.slice(0, most).map(need)];
}

function need({ what, measure, value, needed, unit }) {
  const [low, high] = needed;
  const missed = Math.min(...needed.filter((end) => end !== null).map((end) => Math.abs(end - value)));
  const digits = unit === "°" ? 0 : missed < 0.01 ? 3 : 2; // never "1.19, needs at least 1.19"
  const number = (amount) => `${amount.toFixed(digits)}${unit === "°" ? "°" : unit && ` ${unit}`}`;
  let range = low === null ? `at most ${number(high)}` : `at least ${number(low)}`;
  if (low !== null && high !== null) range = `${number(low)} to ${number(high)}`;
  if (what in RULES) return `${RULES[what]} ${number(value)}, needs ${range}`;
  return `${what}: ${measure} ${number(value)}, needs ${range}`;
}
