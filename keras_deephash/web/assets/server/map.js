// The map: points of a plane on a canvas, for a mouse, a finger or the keyboard.

import { call, thumbnail } from "./api.js";
import { at, counted, say } from "./tiles.js";

// The palette of Okabe and Ito, which colour-blind readers tell apart.
const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442"];
const GREY = "#999999";
const MARGIN = 16; // Pixels.
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

let map = null;
let current = -1;
let colourOf = new Map();
const preview = new Image();

function place(i) {
  const { clientWidth: width, clientHeight: height } = at("canvas");
  return [
    MARGIN + map.x[i] * (width - 2 * MARGIN),
    MARGIN + (1 - map.y[i]) * (height - 2 * MARGIN),
  ];
}

function draw() {
  const canvas = at("canvas");
  const scale = devicePixelRatio;
  canvas.width = canvas.clientWidth * scale;
  canvas.height = canvas.clientHeight * scale;
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  if (!map) return;
  pen.globalAlpha = 0.75;
  map.ids.forEach((_, i) => {
    pen.fillStyle = colourOf.get(map.labels[i]) ?? GREY;
    pen.beginPath();
    pen.arc(...place(i), 4, 0, 7);
    pen.fill();
  });
  if (current < 0) return;
  pen.globalAlpha = 1;
  const [x, y] = place(current);
  pen.strokeStyle = getComputedStyle(document.body).color;
  pen.lineWidth = 3;
  pen.beginPath();
  pen.arc(x, y, 8, 0, 7);
  pen.stroke();
  if (!preview.complete || !preview.naturalWidth) return;
  const size = 128 / Math.max(preview.naturalWidth, preview.naturalHeight);
  const [width, height] = [preview.naturalWidth * size, preview.naturalHeight * size];
  const left = x + 12 + width > canvas.clientWidth ? x - 12 - width : x + 12;
  const top = Math.min(Math.max(y - height / 2, 0), canvas.clientHeight - height);
  pen.drawImage(preview, left, top, width, height);
}

function choose(i) {
  if (i === current) return;
  current = i;
  if (i >= 0) preview.src = thumbnail(map.ids[i]);
  draw();
}

/** The point nearest to a place on the canvas, at most 24 pixels away. */
function near(x, y) {
  let [best, least] = [-1, 24];
  map.ids.forEach((_, i) => {
    const [left, top] = place(i);
    const distance = Math.hypot(left - x, top - y);
    if (distance < least) [best, least] = [i, distance];
  });
  return best;
}

/** The next point in a direction: near, and not far beside it. */
function next([dx, dy]) {
  let [best, least] = [current, Infinity];
  map.ids.forEach((_, i) => {
    const [x, y] = [map.x[i] - map.x[current], map.y[i] - map.y[current]];
    const along = x * dx + y * dy;
    const cost = along + 3 * Math.abs(x * dy + y * dx);
    if (along > 1e-9 && cost < least) [best, least] = [i, cost];
  });
  return best;
}

function showLegend(labelNames) {
  const counts = new Map();
  for (const label of map.labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  counts.delete(-1);
  const most = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  colourOf = new Map(most.slice(0, COLOURS.length).map((label, i) => [label, COLOURS[i]]));
  const rows = [...colourOf].map(([label, colour]) => [labelNames.get(label) ?? label, colour]);
  if (most.length > COLOURS.length) rows.push(["others", GREY]);
  at("legend").replaceChildren(
    ...rows.map(([name, colour]) => {
      const row = document.createElement("span");
      const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      for (const [key, value] of Object.entries({ cx: 6, cy: 6, r: 5, fill: colour })) {
        dot.setAttribute(key, value);
      }
      box.append(dot);
      row.append(box, String(name));
      return row;
    }),
  );
}

/** Prepares the canvas; `onPick` is called with the id of a point. */
export function setUpMap(onPick, onMethod) {
  const canvas = at("canvas");
  const pick = () => current >= 0 && onPick(map.ids[current]);
  preview.addEventListener("load", draw);
  new ResizeObserver(draw).observe(canvas);
  canvas.addEventListener("pointermove", (event) => map && choose(near(event.offsetX, event.offsetY)));
  canvas.addEventListener("click", (event) => {
    if (!map) return;
    choose(near(event.offsetX, event.offsetY));
    pick();
  });
  canvas.addEventListener("keydown", (event) => {
    if (!map?.ids.length) return;
    if (event.key in ARROWS) {
      event.preventDefault();
      choose(current < 0 ? 0 : next(ARROWS[event.key]));
    } else if (event.key === "Enter") pick();
  });
  at("method").addEventListener("change", onMethod);
}

/** Fetches the map and draws it. */
export async function showMap(labelNames, isWanted) {
  say("Laying out the codes ...");
  const made = await call("map", { method: at("method").value });
  if (!isWanted()) return;
  [map, current] = [made, -1];
  showLegend(labelNames);
  draw();
  const part = made.ids.length < made.total ? `${made.ids.length} of ` : "";
  say(`${made.title}: ${part}${counted(made.total, "picture")}`);
}
