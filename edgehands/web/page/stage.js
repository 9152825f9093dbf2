// The picture and the hands on it. The nearer a point, the lighter and larger, as in figure 1 of
// "MediaPipe Hands" (arXiv:2006.10214).

import { words } from "./dom.js";

const NEAR = { left: [120, 235, 255], right: [255, 214, 120] };
const FAR = { left: [8, 84, 120], right: [130, 62, 6] };
const OUTLINE = "rgb(11 13 16 / 80%)";
const PALM = [0, 1, 5, 9, 13, 17];
const BONES = [
  [0, 1], [0, 5], [5, 9], [9, 13], [13, 17], [0, 17],
  [1, 2], [2, 3], [3, 4], [5, 6], [6, 7], [7, 8], [9, 10], [10, 11], [11, 12],
  [13, 14], [14, 15], [15, 16], [17, 18], [18, 19], [19, 20],
];
const DEPTH_RANGE = 0.8; // palm sizes from the nearest to the farthest shade

export class Stage {
  constructor(stage, canvas) {
    this.stage = stage;
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.drawing = false;
    this.next = null;
  }

  // Draws the newest; while a picture is being decoded, older ones are passed over.
  async show(told, jpeg) {
    this.next = { told, jpeg };
    if (this.drawing) return;
    this.drawing = true;
    while (this.next) {
      const { told: newest, jpeg: bytes } = this.next;
      this.next = null;
      try {
        const picture = bytes && (await createImageBitmap(new Blob([bytes], { type: "image/jpeg" })));
        this.draw(newest, picture);
        picture?.close();
      } catch {
        this.draw(newest, null);
      }
    }
    this.drawing = false;
  }

  draw(told, picture) {
    const [width, height] = told.size;
    this.fit(width, height);
    const { context, canvas } = this;
    const scale = canvas.width / width;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (picture) context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    for (const hand of told.hands) this.skeleton(hand, scale);
    for (const hand of told.hands) this.label(hand, scale);
  }

  fit(width, height) {
    const ratio = `${width} / ${height}`;
    if (this.ratio !== ratio) {
      this.ratio = ratio;
      this.stage.style.setProperty("--ratio", ratio);
    }
    const wanted = Math.round(this.canvas.clientWidth * Math.min(window.devicePixelRatio, 2));
    if (wanted && this.canvas.width !== wanted) this.canvas.width = wanted;
    const high = Math.round((this.canvas.width * height) / width);
    if (this.canvas.height !== high) this.canvas.height = high;
  }

  skeleton(hand, scale) {
    const points = pointsOf(hand, scale);
    const palm = Math.max(Math.hypot(points[9].x - points[0].x, points[9].y - points[0].y), 8);
    const near = nearness(points, palm);
    const shade = (share) => mix(FAR[hand.side], NEAR[hand.side], share);
    const { context } = this;
    context.lineCap = context.lineJoin = "round";

    context.beginPath();
    for (const index of PALM) context.lineTo(points[index].x, points[index].y);
    context.closePath();
    context.fillStyle = mix(FAR[hand.side], NEAR[hand.side], 0.35, 0.3);
    context.fill();

    const bone = Math.max(1.5, palm * 0.045);
    const order = BONES.toSorted((a, b) => near[a[0]] + near[a[1]] - near[b[0]] - near[b[1]]);
    for (const [a, b] of order) {
      const share = (near[a] + near[b]) / 2;
      const width = bone * (0.75 + 0.6 * share);
      this.line(points[a], points[b], width + 3, OUTLINE);
      this.line(points[a], points[b], width, shade(share));
    }
    const joints = points.map((_, index) => index).sort((a, b) => near[a] - near[b]);
    for (const index of joints) {
      const radius = palm * (0.03 + 0.042 * near[index]);
      this.dot(points[index], radius + 1.5, OUTLINE);
      this.dot(points[index], radius, shade(near[index]));
    }
  }

  line(from, to, width, style) {
    const { context } = this;
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.lineWidth = width;
    context.strokeStyle = style;
    context.stroke();
  }

  dot(at, radius, style) {
    const { context } = this;
    context.beginPath();
    context.arc(at.x, at.y, radius, 0, 2 * Math.PI);
    context.fillStyle = style;
    context.fill();
  }

  label(hand, scale) {
    const { context, canvas } = this;
    const points = pointsOf(hand, scale);
    const size = 14 * (canvas.width / canvas.clientWidth || 1);
    const text = hand.gesture ? words(hand.gesture) : `${hand.side} ${hand.id}`;
    context.font = `600 ${size}px system-ui, sans-serif`;
    const width = context.measureText(text).width + size * 1.2;
    const height = size * 1.75;
    const xs = points.map((point) => point.x);
    const lowest = Math.max(...points.map((point) => point.y));
    const middle = (Math.min(...xs) + Math.max(...xs)) / 2;
    const x = Math.min(Math.max(middle - width / 2, 6), canvas.width - width - 6);
    const y = Math.min(lowest + size * 0.7, canvas.height - height - 6);
    context.beginPath();
    context.roundRect(x, y, width, height, height / 2);
    context.fillStyle = hand.gesture ? mix(NEAR[hand.side], NEAR[hand.side], 0) : OUTLINE;
    context.fill();
    context.fillStyle = hand.gesture ? "#11151a" : "#e9edf2";
    context.textBaseline = "middle";
    context.fillText(text, x + size * 0.6, y + height / 2 + 1);
  }
}

function pointsOf(hand, scale) {
  const points = [];
  for (let i = 0; i < hand.points.length; i += 3) {
    points.push({ x: hand.points[i] * scale, y: hand.points[i + 1] * scale, z: hand.points[i + 2] * scale });
  }
  return points;
}

// 0 for the farthest to 1 for the nearest, around the middle of the hand.
function nearness(points, palm) {
  const depths = points.map((point) => point.z).sort((a, b) => a - b);
  const median = depths[depths.length >> 1];
  return points.map((point) => Math.min(Math.max(0.5 - (point.z - median) / (palm * DEPTH_RANGE), 0), 1));
}

function mix(from, to, share, alpha = 1) {
  const [red, green, blue] = from.map((value, index) => Math.round(value + (to[index] - value) * share));
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}
