// The page: what the device tells goes to its places, what is asked goes back.

import { Areas } from "./areas.js";
import { Charts } from "./charts.js";
import { byId, make, setText } from "./dom.js";
import { Hands } from "./hands.js";
import { Link, post } from "./link.js";
import { Log } from "./log.js";
import { Settings } from "./settings.js";
import { Stage } from "./stage.js";

const STATES = {
  live: ["live", ""],
  lost: ["lost", "The connection is lost. Trying again …"],
  ended: ["ended", "The run has ended."],
  idle: ["resting", "Nobody has touched this page for a while, so it rests."],
  token: ["locked", "This page asks for the device's token."],
};

const stage = new Stage(byId("stage"), byId("canvas"));
const hands = new Hands(byId("hands"), byId("no-hands"));
const log = new Log(byId("log"), byId("no-events"));
const charts = new Charts();
const settings = new Settings(() => areas?.show());
const areas = new Areas(byId("areas"), settings);
const link = new Link({ frame, notices, state });

function frame(told, jpeg) {
  stage.show(told, jpeg);
  hands.show(told.hands);
  charts.show(told);
  const many = told.hands.length === 1 ? "1 hand" : `${told.hands.length} hands`;
  const label = `${many} in view of ${told.camera}`;
  if (byId("canvas").ariaLabel !== label) byId("canvas").ariaLabel = label;
  curtain(told.paused ? "Paused: frames are thrown away." : "");
  if (told.sensitivity !== settings.told.sensitivity || told.paused === settings.told.enabled) {
    settings.hear({ ...settings.told, sensitivity: told.sensitivity, enabled: !told.paused });
  }
}

function notices({ welcome, settings: changed, events, camera_state: camera, config_problem: config, ended }) {
  if (welcome) {
    log.clear();
    charts.clear();
    cameras(welcome.cameras);
    byId("badge").hidden = welcome.pixels;
    setText(byId("version"), `EdgeHands ${welcome.version}`);
    settings.readOnly = welcome.read_only;
    settings.hear(welcome.settings);
    curtain(welcome.settings.enabled ? "Waiting for the first picture …" : "Paused: frames are thrown away.");
  }
  if (camera) cameraState(...camera);
  if (config !== undefined) setText(byId("problem"), config && `The config file was not taken: ${config}`);
  if (changed) settings.hear(changed);
  if (events) log.add(events);
  if (ended) state("ended");
}

function state(name, problem = "") {
  const [word, text] = STATES[name];
  byId("state").dataset.state = name;
  setText(byId("state"), word);
  byId("resume").hidden = name !== "idle";
  byId("login").hidden = name !== "token";
  if (name !== "live") curtain(`${text} ${problem}`.trim());
}

// A camera that is away or covered gives no frames that would say so.
function cameraState(name, reason) {
  byId("hint").hidden = name === "ok";
  setText(byId("hint"), `The camera is ${name}. ${reason}`.trim());
  if (name === "lost" || name === "stalled") curtain(`The camera is ${name}. ${reason}`.trim());
}

function curtain(text) {
  byId("curtain").hidden = !text;
  if (text) setText(byId("curtain-text"), text);
}

function cameras(names) {
  const select = byId("camera");
  if (!names.includes(link.camera)) link.camera = null; // it went with the config
  const chosen = link.camera ?? names[0] ?? "";
  areas.camera = chosen;
  select.hidden = names.length < 2;
  select.replaceChildren(...names.map((name) => make("option", { value: name, text: name })));
  select.value = chosen;
}

byId("camera").addEventListener("change", (event) => {
  areas.camera = event.target.value;
  log.clear();
  charts.clear();
  link.choose(event.target.value);
  areas.show();
});
byId("resume").addEventListener("click", () => link.open());
byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/login", { token: byId("token").value });
    setText(byId("login-problem"), "");
    byId("token").value = "";
    link.open();
  } catch (error) {
    setText(byId("login-problem"), error.message);
  }
});
link.open();
