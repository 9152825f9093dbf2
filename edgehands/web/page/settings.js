// Settings: changed at once, saved on request. What the device says holds, not what was moved here.

import { byId, make, setText, words } from "./dom.js";
import { post } from "./link.js";

const seconds = (value) => `${value.toFixed(2)} s`;
const plain = (value) => value.toFixed(2);

// Name, title, range, how to say the value, what it means.
const TRACKING = [
  ["min_presence", "Presence needed", [0.05, 0.95, 0.05], plain, "Higher: fewer false hands, hands are lost sooner"],
  ["smoothing_min_cutoff", "Cut-off of a still hand", [0.1, 5, 0.1], (value) => `${value.toFixed(1)} Hz`, "Lower: steadier"],
  ["smoothing_beta", "Rise with speed", [0, 20, 0.5], (value) => value.toFixed(1), "Higher: follows a fast hand sooner"],
];
const GESTURING = [
  ["sensitivity", "Sensitivity", [0, 1, 0.05], plain, "Of all gestures: higher begins at lower scores"],
];
const RULES = [
  ["min_score", "Score needed", [0, 1, 0.05], plain, "Of this gesture"],
  ["enter_delay", "Held for", [0, 2, 0.05], seconds, "Before it begins"],
];
const SEND_INTERVAL = 150;

function merged(state, { gestures = {}, masks = {}, ...rest }) {
  const rules = { ...state.gestures };
  for (const [name, change] of Object.entries(gestures)) rules[name] = { ...rules[name], ...change };
  return { ...state, ...rest, gestures: rules, masks: { ...state.masks, ...masks } };
}

export class Settings {
  // `changed` is called with the state whenever it changes or another gesture is chosen.
  constructor(changed) {
    this.changed = changed;
    this.state = null; // as shown
    this.told = null; // by the device
    this.asked = 0;
    this.answered = Promise.resolve();
    this.sliders = [];
    this.waiting = {};
    this.add("tracking", TRACKING, (name) => [this.state[name], (value) => ({ [name]: value })]);
    this.add("gesturing", GESTURING, (name) => [this.state[name], (value) => ({ [name]: value })]);
    this.add("rules", RULES, (name) => [
      this.state.gestures[this.gesture]?.[name],
      (value) => ({ gestures: { [this.gesture]: { [name]: value } } }),
    ]);
    for (const name of ["mirrored", "smoothing"]) {
      byId(name).addEventListener("change", (event) => this.send({ [name]: event.target.checked }));
    }
    byId("gesture").addEventListener("change", () => this.show(this.state));
    byId("pause").addEventListener("click", () => this.send({ enabled: !this.state.enabled }));
    byId("settings").addEventListener("submit", (event) => event.preventDefault());
    this.prepareSaving();
  }

  get gesture() {
    return byId("gesture").value;
  }

  add(place, rows, access) {
    for (const [name, title, [min, max, step], say, note] of rows) {
      const id = `set-${name}`;
      const input = make("input", { id, type: "range", min, max, step });
      const output = make("output", { htmlFor: id });
      const small = make("small", { id: `${id}-note`, text: note });
      input.setAttribute("aria-describedby", small.id);
      const label = make("label", { htmlFor: id, text: title });
      byId(place).append(make("div", { className: "slider" }, label, output, input, small));
      const slider = { input, output, say, read: () => access(name)[0] };
      input.addEventListener("input", () => {
        this.say(slider, input.valueAsNumber);
        this.sendSoon(name, access(name)[1](input.valueAsNumber));
      });
      this.sliders.push(slider);
    }
  }

  say({ input, output, say }, value) {
    setText(output, say(value));
    input.setAttribute("aria-valuetext", say(value));
  }

  show(state) {
    const { readOnly } = this;
    this.state = state;
    this.showGestures();
    for (const name of ["mirrored", "smoothing"]) byId(name).checked = state[name];
    for (const slider of this.sliders) {
      const value = slider.read();
      slider.input.disabled = readOnly || value === undefined;
      if (value === undefined || slider.input.matches(":active")) continue; // not under the finger
      slider.input.value = value;
      this.say(slider, value);
    }
    for (const id of ["mirrored", "smoothing", "draw-zone", "draw-mask"]) byId(id).disabled = readOnly;
    byId("locked").hidden = !readOnly;
    byId("pause").hidden = readOnly;
    byId("pause").ariaPressed = String(!state.enabled);
    setText(byId("pause"), state.enabled ? "Pause" : "Go on");
    const many = state.unsaved === 1 ? "1 setting differs" : `${state.unsaved} settings differ`;
    setText(byId("unsaved"), state.unsaved ? `${many} from the config.` : "As in the config.");
    byId("review").disabled = readOnly || !state.unsaved;
    this.changed(state);
  }

  showGestures() {
    const select = byId("gesture");
    const names = Object.keys(this.state.gestures);
    if (names.join() === [...select.options].map((option) => option.value).join()) return;
    const chosen = select.value;
    select.replaceChildren(...names.map((name) => make("option", { value: name, text: words(name) })));
    if (names.includes(chosen)) select.value = chosen;
  }

  // A slider that is dragged asks a few times a second, and once when it comes to rest.
  sendSoon(name, change) {
    const first = !(name in this.waiting);
    this.waiting[name] = change;
    if (!first) return;
    setTimeout(() => {
      const latest = this.waiting[name];
      delete this.waiting[name];
      this.send(latest);
    }, SEND_INTERVAL);
  }

  // Changes are asked for one after the other; meanwhile the page shows what is expected of them.
  send(change) {
    this.show(merged(this.state, change));
    this.asked += 1;
    this.answered = this.answered.then(() => this.ask(change));
  }

  async ask(change) {
    let problem = "";
    try {
      this.told = await post("/settings", change);
    } catch (error) {
      problem = error.message;
    }
    setText(byId("problem"), problem);
    this.asked -= 1;
    this.hear(this.told);
  }

  // What the device says, which may be what another page has asked for.
  hear(state) {
    this.told = state;
    if (!this.asked) this.show(state);
  }

  prepareSaving() {
    const dialog = byId("saving");
    byId("review").addEventListener("click", async () => {
      setText(byId("saving-problem"), "");
      try {
        const saved = await post("/save", {});
        const place = saved.place ? `These lines change in ${saved.place}; the rest stays as it is.` : "This run has no config file. The lines for one:";
        setText(byId("saving-place"), place);
        setText(byId("saving-lines"), saved.lines.join("\n"));
        byId("write").hidden = !saved.place;
        dialog.showModal();
      } catch (error) {
        setText(byId("problem"), error.message);
      }
    });
    byId("write").addEventListener("click", async () => {
      try {
        const saved = await post("/save", { write: true });
        dialog.close();
        setText(byId("unsaved"), `Saved to ${saved.place}.`);
      } catch (error) {
        setText(byId("saving-problem"), error.message);
      }
    });
    byId("copy").addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(byId("saving-lines").textContent);
        setText(byId("copy"), "Copied");
      } catch {
        setText(byId("saving-problem"), "The browser does not let this page copy: select the lines.");
      }
    });
    byId("cancel").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => setText(byId("copy"), "Copy the lines"));
  }
}
