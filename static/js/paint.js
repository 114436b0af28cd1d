// The page of the brush: tools, keys, and the slice on the easel. Ties brush, painting and sending together.
import { dab, fill, stroke } from "./brush.js";
import { between } from "./between.js";
import { Painting } from "./painting.js";
import { Pictures } from "./paint-pictures.js";
import { sendOn } from "./paint-send.js";
import { Windowing } from "./paint-window.js";

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const config = JSON.parse(one("#paint-config").textContent);
const { width, height, depth } = config;
const [sheet, canvas, cursor, easel] = [one("[data-sheet]"), one("canvas[data-mask]"), one("canvas[data-cursor]"), one("[data-easel]")];
const paper = canvas.getContext("2d", { willReadFrequently: false });
const COLOUR = [99, 203, 224, 255];
const MOST_RING = 2048; // px of the layer that the brush's outline is drawn on
const NOTCH = 40; // px of a wheel's turn to one slice; a touchpad sends many small ones
const painting = new Painting(config);
const [wide, high] = painting.grid.stretch;
const pictures = new Pictures(config, sheet);
const windowing = new Windowing(pictures, () => shown);
let mask = null; // of the slice that is shown
let shown = -1;
let wanted = config.slice;
let under = null;
let zoom = 1;
let at = [width / 2, height / 2];

Object.assign(canvas, { width, height });
const tool = () => one("[name=tool]:checked").value;
const size = () => Number(one("[data-size]").value);
const words = (name) => one("script[data-words]").dataset[name];
const show = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });

function draw(box = [0, 0, width, height]) {
  const [x0, y0, x1, y1] = [Math.max(0, box[0]), Math.max(0, box[1]), Math.min(width, box[2]), Math.min(height, box[3])];
  if (x1 <= x0 || y1 <= y0) return;
  const piece = paper.createImageData(x1 - x0, y1 - y0);
  for (let y = y0, i = 0; y < y1; y += 1) for (let x = x0; x < x1; x += 1, i += 4) if (mask[y * width + x]) piece.data.set(COLOUR, i);
  paper.putImageData(piece, x0, y0);
}

function tell() {
  const px = mask.reduce((sum, value) => sum + value, 0);
  one("[data-area]").textContent = words("words").replace("{px}", show(px, 0)).replace("{percent}", show((100 * px) / mask.length, 2));
  one("[data-act=undo]").disabled = !painting.past.length;
  one("[data-act=redo]").disabled = !painting.future.length;
  one("[data-save]").disabled = !painting.changed.size || painting.changed.size > config.most;
  if (depth === 1) return;
  const slices = [...painting.changed].sort((a, b) => a - b);
  one("[data-painted]").textContent = slices.length ? words("listed").replace("{list}", slices.map((index) => index + 1).join(", ")) : "";
  one("[data-too-many]").hidden = slices.length <= config.most;
  one("[data-painted-bar]").setAttribute("d", slices.map((index) => `M${index} 20v-20h1v20z`).join(""));
  one("[data-act=previous]").disabled = shown === 0;
  one("[data-act=next]").disabled = shown === depth - 1;
  one("[data-act=between]").disabled = !painting.around(shown);
}

function ring() {
  const pen = cursor.getContext("2d");
  pen.resetTransform();
  pen.clearRect(0, 0, cursor.width, cursor.height);
  if (windowing.isOn) return;
  pen.scale(cursor.width / width, cursor.height / height);
  pen.beginPath();
  const radius = tool() === "fill" ? 0.5 : size() / 2;
  pen.ellipse(at[0], at[1], radius / wide, radius / high, 0, 0, 2 * Math.PI);
  pen.resetTransform();
  pen.lineWidth = 1.5;
  pen.strokeStyle = "#ffd640";
  pen.stroke();
}

// --- the slice on the easel: of many wishes that come while one is under way only the last is fetched

function go(index) {
  wanted = Math.min(depth - 1, Math.max(0, index));
  say(wanted);
  under ??= follow().finally(() => { under = null; });
  return under;
}

function leaf(index) {
  return go(index).then(() => { one("[data-lost]").hidden = true; }, () => {
    wanted = shown;
    say(shown);
    one("[data-lost]").hidden = false;
  });
}

async function follow() {
  while (shown !== wanted) {
    const index = wanted;
    const [opened] = await Promise.all([painting.open(index), pictures.show(index)]);
    [mask, shown] = [opened, index];
    easel.dataset.slice = shown + 1;
    draw();
    tell();
  }
  pictures.ahead(shown);
}

function say(index) {
  if (depth === 1) return;
  one("#sl").value = index + 1;
  one("#sl").setAttribute("aria-valuetext", `${index + 1} / ${depth}`);
  all("[data-slice-number]").forEach((place) => { place.textContent = index + 1; });
  one("[data-slice-at]").setAttribute("d", `M${index + 0.5} 0v20`);
}

// --- what is done to it

function begin(point) {
  painting.keep([shown]);
  if (tool() === "fill") fill(mask, painting.grid, point);
  else dab(mask, painting.grid, point, size() / 2, +(tool() === "paint"));
  draw();
}

function done() {
  painting.settle(shown);
  tell();
}

async function turned(index) {
  if (index === null) return;
  await leaf(index);
  draw();
  tell();
}

async function copyFrom(by) {
  await under; // the slice that is asked for, once it is there
  const [here, index] = [shown, shown + by];
  if (index < 0 || index >= depth) return;
  const theirs = await painting.open(index);
  painting.keep([here]); // where it was asked for, whatever is shown by now
  painting.put(here, theirs);
  draw();
  tell();
}

async function bridge() {
  await under;
  const ends = painting.around(shown);
  if (!ends) return;
  const indices = Array.from({ length: ends[1] - ends[0] - 1 }, (_, n) => ends[0] + 1 + n);
  const [first, last] = [await painting.open(ends[0]), await painting.open(ends[1])];
  const copies = [first.slice(), last.slice()];
  await painting.openAll([shown, ...indices]); // first what is shown: its mask is in hand
  painting.keep(indices);
  between(...copies, painting.grid, indices.length).forEach((made, n) => painting.put(indices[n], made));
  draw();
  tell();
}

const ACTS = {
  undo: () => turned(painting.undo()),
  redo: () => turned(painting.redo()),
  in: () => enlarge(1.5),
  out: () => enlarge(1 / 1.5),
  back: () => leaf(wanted - 1),
  on: () => leaf(wanted + 1),
  previous: () => copyFrom(-1),
  next: () => copyFrom(1),
  between: bridge,
};

function chosen() {
  cursor.classList.toggle("windowing", windowing.isOn);
  ring();
}

function enlarge(factor) {
  zoom = Math.min(8, Math.max(1, zoom * factor));
  fit();
}

function fit() {
  const scale = zoom * Math.min(easel.clientWidth / (width * wide), easel.clientHeight / (height * high));
  const sides = [width * wide * scale, height * high * scale].map(Math.round);
  ["--w", "--h"].forEach((name, n) => sheet.style.setProperty(name, `${sides[n]}px`));
  const fine = Math.min(1, MOST_RING / Math.max(...sides));
  [cursor.width, cursor.height] = sides.map((side) => Math.max(1, Math.round(side * fine))); // the ring is as fine as the screen
  ring();
}

// --- by hand

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
}

function hand() {
  let last = null;
  cursor.addEventListener("pointerdown", (event) => {
    if (under) return; // the slice is on its way: no stroke on the one before
    cursor.setPointerCapture(event.pointerId);
    if (windowing.isOn) {
      windowing.begin(event);
      return;
    }
    last = tool() === "fill" ? null : place(event);
    begin(place(event));
    if (!last) done();
  });
  cursor.addEventListener("pointermove", (event) => {
    windowing.drag(event);
    at = place(event);
    if (last) {
      draw(stroke(mask, painting.grid, last, at, size() / 2, +(tool() === "paint")));
      last = at;
    }
    ring();
  });
  for (const end of ["pointerup", "pointercancel"]) {
    cursor.addEventListener(end, () => {
      if (last) done();
      last = null;
      windowing.end();
    });
  }
  let turn = 0;
  if (depth > 1) {
    easel.addEventListener("wheel", (event) => {
      if (event.ctrlKey || last) return;
      event.preventDefault();
      turn += event.deltaMode ? Math.sign(event.deltaY) * NOTCH : event.deltaY;
      const notches = Math.trunc(turn / NOTCH);
      turn -= notches * NOTCH;
      if (notches) leaf(wanted + Math.sign(notches));
    }, { passive: false });
  }
}

function bench() {
  one("[data-size]").addEventListener("input", () => {
    one("[data-size-text]").textContent = size();
    ring();
  });
  one("[data-opacity]").addEventListener("input", ({ target }) => canvas.style.setProperty("opacity", target.value / 100));
  all("[data-bench], [data-slicing]").forEach((bar) => bar.addEventListener("click", ({ target }) => ACTS[target.closest("[data-act]")?.dataset.act]?.()));
  all("[name=tool]").forEach((radio) => radio.addEventListener("change", chosen));
  one("#sl")?.addEventListener("input", ({ target }) => leaf(Number(target.value) - 1));
  window.addEventListener("resize", fit);
}

// --- by key

const far = Math.max(2, Math.round(depth / 10));
const LEAVES = { PageUp: () => leaf(wanted - 1), PageDown: () => leaf(wanted + 1), "Shift+PageUp": () => leaf(wanted - far), "Shift+PageDown": () => leaf(wanted + far), Home: () => leaf(0), End: () => leaf(depth - 1) };
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const press = (selector) => () => one(selector).click();
const LETTERS = { b: press("[value=paint]"), e: press("[value=erase]"), g: press("[value=fill]"), w: press("[value=window]"), z: ACTS.undo, y: ACTS.redo, "+": ACTS.in, "-": ACTS.out, "[": () => resize(-4), "]": () => resize(4) };
const OF_SLICES = { p: ACTS.previous, n: ACTS.next, i: ACTS.between };

function move([x, y], isFar) {
  if (windowing.isOn) {
    windowing.by(x * (isFar ? 100 : 20), y * (isFar ? 100 : 20));
    return;
  }
  const step = isFar ? 20 : Math.max(1, size() / 4);
  at = [Math.min(width - 0.5, Math.max(0.5, at[0] + step * x)), Math.min(height - 0.5, Math.max(0.5, at[1] + step * y))];
  ring();
}

function meant(event) {
  if (event.target === easel && MOVES[event.key]) return () => move(MOVES[event.key], event.shiftKey);
  if (event.target === easel && event.key === " ") return () => { if (!under && !windowing.isOn) { begin(at); done(); } };
  const slides = event.target.matches("input[type=range], select");
  if (depth > 1 && !slides && LEAVES[event.key]) return LEAVES[event.shiftKey ? `Shift+${event.key}` : event.key] ?? LEAVES[event.key];
  if (document.documentElement.dataset.keys === "off" || event.target.matches("select")) return null;
  return { ...LETTERS, ...(depth > 1 ? OF_SLICES : {}) }[event.key.toLowerCase()];
}

function keys(event) {
  if (event.target.matches("textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = meant(event);
  if (!act) return;
  act();
  event.preventDefault();
}

function resize(by) {
  const slider = one("[data-size]");
  slider.value = size() + by;
  slider.dispatchEvent(new Event("input"));
}

one("[data-size-text]").textContent = size();
canvas.style.setProperty("opacity", one("[data-opacity]").value / 100);
chosen();
fit();
await go(config.slice);
hand();
bench();
document.addEventListener("keydown", keys);
sendOn(one("[data-paint-form]"), painting);
document.documentElement.dataset.paint = "ready";
