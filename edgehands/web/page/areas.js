// Zones and privacy masks over the picture: drawn with the mouse or a finger, moved by keyboard too.

import { byId, make, words } from "./dom.js";

const STEP = 0.02;
const SMALLEST = 0.03;
const MIDDLE = [0.35, 0.35, 0.65, 0.65];
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Areas {
  constructor(layer, settings) {
    this.layer = layer;
    this.settings = settings;
    this.camera = "";
    this.tool = null;
    this.held = null;
    this.buttons = { zone: byId("draw-zone"), mask: byId("draw-mask") };
    for (const [tool, button] of Object.entries(this.buttons)) {
      button.addEventListener("click", (event) => this.choose(tool, event.detail === 0));
    }
    layer.addEventListener("pointerdown", (event) => this.press(event));
    layer.addEventListener("pointermove", (event) => this.drag(event));
    layer.addEventListener("pointerup", () => this.release());
    layer.addEventListener("pointercancel", () => this.release());
    layer.addEventListener("keydown", (event) => this.key(event));
  }

  get masks() {
    return this.settings.state?.masks[this.camera] ?? [];
  }

  get zone() {
    return this.settings.state?.gestures[this.settings.gesture]?.zone ?? null;
  }

  // By mouse, the next drag draws; by keyboard, an area appears in the middle, ready to be moved.
  choose(tool, byKeyboard) {
    if (byKeyboard) {
      const index = tool === "zone" ? 0 : this.masks.length;
      this.focusNext = `${tool} ${index}`;
      this.put(tool, index, MIDDLE);
      return;
    }
    this.tool = this.tool === tool ? null : tool;
    this.showTool();
  }

  showTool() {
    for (const [tool, button] of Object.entries(this.buttons)) button.ariaPressed = String(this.tool === tool);
    if (this.tool) this.layer.dataset.draws = this.tool;
    else delete this.layer.dataset.draws;
  }

  show() {
    if (this.held) return;
    const areas = this.masks.map((edges, index) => ({ kind: "mask", index, edges }));
    if (this.zone) areas.push({ kind: "zone", index: 0, edges: this.zone });
    const key = JSON.stringify([areas, this.settings.gesture, this.settings.readOnly]);
    if (key === this.key_) return;
    this.key_ = key;
    const focused = this.focusNext ?? document.activeElement?.dataset?.area;
    this.focusNext = null;
    const elements = areas.map((area) => this.element(area));
    this.layer.replaceChildren(...elements);
    this.list(areas);
    elements.find((element) => element.dataset.area === focused)?.focus();
  }

  title({ kind, index }) {
    return kind === "zone" ? `Zone of ${words(this.settings.gesture)}` : `Privacy mask ${index + 1}`;
  }

  element(area) {
    const title = this.title(area);
    const element = make("button", { type: "button", className: `area ${area.kind}`, disabled: this.settings.readOnly },
      make("span", { className: "name", text: title }), make("span", { className: "corner" }));
    element.dataset.area = `${area.kind} ${area.index}`;
    element.ariaLabel = `${title}. Arrows move it, Shift and arrows size it, Delete removes it.`;
    place(element, area.edges);
    return element;
  }

  list(areas) {
    const rows = areas.map((area) => {
      const remove = make("button", { type: "button", className: "small", text: "Remove", disabled: this.settings.readOnly });
      remove.ariaLabel = `Remove ${this.title(area)}`;
      remove.addEventListener("click", () => this.remove(area.kind, area.index));
      return make("li", {}, make("span", { text: this.title(area) }), remove);
    });
    byId("area-list").replaceChildren(...rows);
  }

  put(kind, index, edges) {
    const rounded = edges.map((edge) => Math.round(edge * 1000) / 1000);
    if (kind === "zone") {
      this.settings.send({ gestures: { [this.settings.gesture]: { zone: rounded } } });
      return;
    }
    const masks = [...this.masks];
    masks[index] = rounded;
    this.settings.send({ masks: { [this.camera]: masks } });
  }

  remove(kind, index) {
    if (kind === "zone") {
      this.settings.send({ gestures: { [this.settings.gesture]: { zone: null } } });
    } else {
      this.settings.send({ masks: { [this.camera]: this.masks.filter((_, other) => other !== index) } });
    }
    this.buttons[kind].focus();
  }

  edges(kind, index) {
    return kind === "zone" ? this.zone : this.masks[index];
  }

  press(event) {
    const element = event.target.closest(".area");
    if (this.settings.readOnly || (!element && !this.tool)) return;
    this.layer.setPointerCapture(event.pointerId);
    const at = this.at(event);
    if (element && !this.tool) {
      const [kind, index] = element.dataset.area.split(" ");
      const sizes = event.target.classList.contains("corner");
      this.held = { kind, index: Number(index), element, from: at, start: this.edges(kind, Number(index)), sizes };
      return;
    }
    const fresh = { kind: this.tool, index: this.tool === "zone" ? 0 : this.masks.length };
    const box = this.layer.appendChild(this.element({ ...fresh, edges: [...at, ...at] }));
    this.held = { ...fresh, element: box, from: at, start: [...at, ...at], draws: true };
    event.preventDefault();
  }

  drag(event) {
    const { held } = this;
    if (!held) return;
    const [x, y] = this.at(event);
    const [dx, dy] = [x - held.from[0], y - held.from[1]];
    if (held.draws) {
      held.edges = [Math.min(x, held.from[0]), Math.min(y, held.from[1]), Math.max(x, held.from[0]), Math.max(y, held.from[1])];
    } else {
      held.edges = held.sizes ? sized(held.start, dx, dy) : moved(held.start, dx, dy);
    }
    place(held.element, held.edges);
  }

  release() {
    const { held } = this;
    this.held = null;
    if (!held) return;
    const [left, top, right, bottom] = held.edges ?? held.start;
    this.key_ = null;
    if (held.draws) {
      this.tool = null;
      this.showTool();
    }
    this.focusNext = `${held.kind} ${held.index}`;
    if (held.edges && right - left >= SMALLEST && bottom - top >= SMALLEST) this.put(held.kind, held.index, held.edges);
    else this.show();
  }

  key(event) {
    const name = event.target.dataset?.area;
    if (!name) return;
    const [kind, index] = [name.split(" ")[0], Number(name.split(" ")[1])];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.remove(kind, index);
      return;
    }
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    const change = event.shiftKey ? sized : moved;
    this.put(kind, index, change(this.edges(kind, index), way[0] * STEP, way[1] * STEP));
  }

  at(event) {
    const box = this.layer.getBoundingClientRect();
    return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
  }
}

function place(element, [left, top, right, bottom]) {
  Object.assign(element.style, {
    left: `${left * 100}%`,
    top: `${top * 100}%`,
    width: `${(right - left) * 100}%`,
    height: `${(bottom - top) * 100}%`,
  });
}

function moved([left, top, right, bottom], dx, dy) {
  const x = Math.min(Math.max(dx, -left), 1 - right);
  const y = Math.min(Math.max(dy, -top), 1 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

function sized([left, top, right, bottom], dx, dy) {
  return [left, top, clamp(Math.max(right + dx, left + SMALLEST)), clamp(Math.max(bottom + dy, top + SMALLEST))];
}

const clamp = (share) => Math.min(Math.max(share, 0), 1);
