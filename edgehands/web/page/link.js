// The connection to the device: opened again when it is lost, closed while nobody can see the page.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;
const IDLE_CODE = 4001;
const TOUCH_INTERVAL = 30000;

export class Link {
  // `on` has a function for each kind of news: frame, picture-less; notices; state(name, text).
  constructor(on) {
    this.on = on;
    this.wait = FIRST_WAIT;
    this.camera = null;
    this.ended = false;
    this.touched = 0;
    document.addEventListener("visibilitychange", () => this.say({ watches: !document.hidden }));
    for (const kind of ["pointerdown", "keydown", "wheel"]) {
      document.addEventListener(kind, () => this.touch(), { passive: true });
    }
  }

  open() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/live`);
    socket.binaryType = "arraybuffer";
    socket.onmessage = (message) => this.hear(message.data);
    socket.onclose = (event) => this.closed(event);
    this.socket = socket;
  }

  say(what) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(what));
  }

  choose(camera) {
    this.camera = camera;
    this.say({ camera });
  }

  touch() {
    const now = performance.now();
    if (now - this.touched < TOUCH_INTERVAL) return;
    this.touched = now;
    this.say({ touched: true });
  }

  hear(data) {
    if (typeof data === "string") {
      const notices = JSON.parse(data);
      if (notices.welcome) {
        this.wait = FIRST_WAIT;
        this.on.state("live");
        if (this.camera) this.say({ camera: this.camera });
        if (document.hidden) this.say({ watches: false });
      }
      if (notices.ended) this.ended = true;
      this.on.notices(notices);
      return;
    }
    const length = new DataView(data).getUint32(0, true);
    const told = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
    const jpeg = data.byteLength > 4 + length ? new Uint8Array(data, 4 + length) : null;
    this.on.frame(told, jpeg);
  }

  async closed(event) {
    if (event.code === IDLE_CODE) {
      this.on.state("idle");
      return;
    }
    const problem = await this.problem();
    if (problem === "token") {
      this.on.state("token");
      return;
    }
    this.on.state(this.ended ? "ended" : "lost", problem);
    setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  // A socket does not say why it was refused; an ordinary request does.
  async problem() {
    if (this.ended) return "";
    try {
      const answer = await fetch("/settings");
      return answer.status === 401 ? "token" : "";
    } catch {
      return "The device does not answer.";
    }
  }
}

// Ask for a change; returns the answer, or throws an Error with the device's one line.
export async function post(path, what) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });
  } catch {
    throw new Error("The device does not answer.");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(said.error ?? `The device refused it (${answer.status}).`);
  return said;
}
