// Four small charts of the latest frames, each with its number.

import { byId, percent, setText } from "./dom.js";

const KEPT = 180; // frames: six seconds at 30 a second
const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Charts {
  constructor() {
    this.samples = [];
    this.canvases = ["age", "work", "duty", "fps"].map((name) => byId(`${name}-chart`));
    this.spoken = 0;
    this.drawn = 0;
    document.addEventListener("themechange", () => this.readColours());
    this.readColours();
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    this.colours = { text: of("text"), line: of("line"), palm: of("palm"), landmarks: of("landmarks"), rest: of("rest"), accent: of("accent") };
  }

  clear() {
    this.samples = [];
  }

  show(told) {
    for (const [period, age, palm, landmarks, rest, detected] of told.samples) {
      this.samples.push({ period, age, palm, landmarks, rest, detected });
    }
    this.samples.splice(0, this.samples.length - KEPT);
    const now = performance.now();
    if (!this.samples.length || now - this.drawn < (CALM.matches ? 1000 : 120)) return;
    this.drawn = now;
    this.age();
    this.work();
    this.duty();
    this.rate(told.dropped);
    this.speak(now);
  }

  age() {
    const ages = this.samples.map((sample) => sample.age);
    setText(byId("age"), `${median(ages).toFixed(0)} ms`);
    this.line(this.canvases[0], ages, this.colours.accent, Math.max(40, usual(ages)));
  }

  work() {
    const whole = this.samples.map((sample) => sample.palm + sample.landmarks + sample.rest);
    setText(byId("work"), `${median(whole).toFixed(1)} ms`);
    const [canvas, context, width, height] = this.clean(this.canvases[1]);
    const step = width / KEPT;
    const scale = height / Math.max(20, usual(whole));
    this.samples.forEach((sample, index) => {
      let base = height;
      for (const stage of ["landmarks", "palm", "rest"]) {
        const high = sample[stage] * scale;
        context.fillStyle = this.colours[stage];
        context.fillRect(this.x(index, width), base - high, Math.max(step - 0.5, 1), high);
        base -= high;
      }
    });
    return canvas;
  }

  duty() {
    const runs = this.samples.filter((sample) => sample.detected).length;
    setText(byId("duty"), percent(runs / this.samples.length));
    const [, context, width, height] = this.clean(this.canvases[2]);
    const step = width / KEPT;
    this.samples.forEach((sample, index) => {
      context.fillStyle = sample.detected ? this.colours.palm : this.colours.line;
      const high = sample.detected ? height : height * 0.25;
      context.fillRect(this.x(index, width), (height - high) / 2, Math.max(step - 0.8, 1), high);
    });
  }

  rate(dropped) {
    const periods = this.samples.map((sample) => sample.period).filter((period) => period > 0);
    if (!periods.length) return;
    const rates = periods.map((_, index) => {
      const lately = periods.slice(Math.max(0, index - 14), index + 1);
      return 1000 / (lately.reduce((sum, period) => sum + period, 0) / lately.length);
    });
    setText(byId("fps"), rates.at(-1).toFixed(0));
    setText(byId("dropped"), dropped ? `${dropped} dropped since the start` : "none dropped");
    this.line(this.canvases[3], rates, this.colours.accent, Math.max(30, ...rates) * 1.1);
  }

  line(canvas, values, colour, top) {
    const [, context, width, height] = this.clean(canvas);
    const offset = KEPT - values.length;
    context.beginPath();
    values.forEach((value, index) => {
      context.lineTo(((index + offset) / (KEPT - 1)) * width, height - 2 - (value / top) * (height - 4));
    });
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, height);
    context.lineTo((offset / (KEPT - 1)) * width, height);
    context.globalAlpha = 0.12;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }

  x(index, width) {
    return ((index + KEPT - this.samples.length) / KEPT) * width;
  }

  clean(canvas) {
    const ratio = Math.min(window.devicePixelRatio, 2);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) Object.assign(canvas, { width: wide, height: high });
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return [canvas, context, width, height];
  }

  // For those who hear the page, every few seconds.
  speak(now) {
    if (now - this.spoken < 3000) return;
    this.spoken = now;
    const names = ["Frame age", "Work a frame", "Detector runs", "Frames a second"];
    ["age", "work", "duty", "fps"].forEach((id, index) => {
      this.canvases[index].ariaLabel = `${names[index]}: ${byId(id).textContent}`;
    });
  }
}

function at(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)];
}

const median = (values) => at(values, 0.5);

// The top of a chart: one slow frame should not flatten all others.
const usual = (values) => at(values, 0.95) * 1.25;
