// A mask painted by hand: brush, eraser, fill, undo. One byte per pixel here, one bit on the way to the server.
const one = (selector) => document.querySelector(selector);
const { width, height, mask: address, level } = JSON.parse(one("#paint-config").textContent);
const [sheet, canvas, cursor] = [one("[data-sheet]"), one("canvas[data-mask]"), one("canvas[data-cursor]")];
const paper = canvas.getContext("2d", { willReadFrequently: false });
const MOST_UNDO = 40;
const COLOUR = [99, 203, 224, 255];
let mask = new Uint8Array(width * height);
const past = [];
const future = [];
let zoom = 1;
let at = [width / 2, height / 2];

for (const layer of [canvas, cursor]) Object.assign(layer, { width, height });
const tool = () => one("[name=tool]:checked").value;
const size = () => Number(one("[data-size]").value);

function draw(box = [0, 0, width, height]) {
  const [x0, y0, x1, y1] = [Math.max(0, box[0]), Math.max(0, box[1]), Math.min(width, box[2]), Math.min(height, box[3])];
  if (x1 <= x0 || y1 <= y0) return;
  const piece = paper.createImageData(x1 - x0, y1 - y0);
  for (let y = y0, i = 0; y < y1; y += 1) for (let x = x0; x < x1; x += 1, i += 4) if (mask[y * width + x]) piece.data.set(COLOUR, i);
  paper.putImageData(piece, x0, y0);
}

function tell() {
  const px = mask.reduce((sum, value) => sum + value, 0);
  const words = one("script[data-words]").dataset.words;
  const show = (value, digits) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
  one("[data-area]").textContent = words.replace("{px}", show(px, 0)).replace("{percent}", show((100 * px) / mask.length, 2));
  one("[data-act=undo]").disabled = !past.length;
  one("[data-act=redo]").disabled = !future.length;
  one("[data-save]").disabled = !past.length;
}

function keep() {
  past.push(mask.slice());
  if (past.length > MOST_UNDO) past.shift();
  future.length = 0;
}

function turn(from, to) {
  if (!from.length) return;
  to.push(mask);
  mask = from.pop();
  draw();
  tell();
}

function dab(x, y) {
  const radius = size() / 2;
  const value = tool() === "erase" ? 0 : 1;
  const box = [Math.floor(x - radius), Math.floor(y - radius), Math.ceil(x + radius) + 1, Math.ceil(y + radius) + 1];
  for (let j = Math.max(0, box[1]); j < Math.min(height, box[3]); j += 1) {
    for (let i = Math.max(0, box[0]); i < Math.min(width, box[2]); i += 1) {
      if ((i + 0.5 - x) ** 2 + (j + 0.5 - y) ** 2 <= radius ** 2 || (Math.floor(x) === i && Math.floor(y) === j)) mask[j * width + i] = value;
    }
  }
  return box;
}

function stroke([x0, y0], [x1, y1]) {
  const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(1, size() / 4)));
  for (let k = 0; k <= steps; k += 1) draw(dab(x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps));
}

// Fill the hole, or empty the region, that the point lies in.
function fill([x, y]) {
  const start = Math.floor(y) * width + Math.floor(x);
  const old = mask[start];
  const stack = [start];
  while (stack.length) {
    const i = stack.pop();
    if (mask[i] !== old) continue;
    mask[i] = 1 - old;
    if (i % width) stack.push(i - 1);
    if ((i + 1) % width) stack.push(i + 1);
    if (i >= width) stack.push(i - width);
    if (i + width < mask.length) stack.push(i + width);
  }
  draw();
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) * width) / box.width, ((event.clientY - box.top) * height) / box.height];
}

function ring() {
  const pen = cursor.getContext("2d");
  pen.clearRect(0, 0, width, height);
  pen.lineWidth = Math.max(1, width / 600);
  pen.strokeStyle = "#ffd640";
  pen.beginPath();
  pen.arc(at[0], at[1], tool() === "fill" ? pen.lineWidth * 2 : size() / 2, 0, 2 * Math.PI);
  pen.stroke();
}

function begin(point) {
  keep();
  if (tool() === "fill") fill(point);
  else stroke(point, point);
}

function fit() {
  const easel = one("[data-easel]");
  const scale = zoom * Math.min(easel.clientWidth / width, easel.clientHeight / height);
  sheet.style.setProperty("--w", `${Math.round(width * scale)}px`);
  sheet.style.setProperty("--h", `${Math.round(height * scale)}px`);
}

function listen() {
  let last = null;
  cursor.addEventListener("pointerdown", (event) => {
    cursor.setPointerCapture(event.pointerId);
    last = tool() === "fill" ? null : place(event);
    begin(place(event));
    if (!last) tell();
  });
  cursor.addEventListener("pointermove", (event) => {
    at = place(event);
    if (last) {
      stroke(last, at);
      last = at;
    }
    ring();
  });
  cursor.addEventListener("pointerup", () => {
    if (last) tell();
    last = null;
  });
  one("[data-size]").addEventListener("input", () => {
    one("[data-size-text]").textContent = size();
    ring();
  });
  one("[data-opacity]").addEventListener("input", ({ target }) => canvas.style.setProperty("opacity", target.value / 100));
  one("[data-bench]").addEventListener("click", ({ target }) => {
    const act = target.closest("[data-act]")?.dataset.act;
    if (act === "undo") turn(past, future);
    if (act === "redo") turn(future, past);
    if (act === "in" || act === "out") {
      zoom = Math.min(8, Math.max(1, zoom * (act === "in" ? 1.5 : 1 / 1.5)));
      fit();
    }
  });
  window.addEventListener("resize", fit);
  window.addEventListener("beforeunload", (event) => {
    if (past.length && !one("[data-paint-form]").dataset.sent) event.preventDefault();
  });
  document.addEventListener("keydown", keys);
  one("[data-paint-form]").addEventListener("submit", ({ target }) => {
    const files = new DataTransfer();
    files.items.add(new File([packed()], "mask.bits"));
    target.elements.bits.files = files.files;
    target.dataset.sent = "yes";
  });
}

function keys(event) {
  if (/^(TEXTAREA)$/.test(event.target.tagName) || event.metaKey || event.altKey) return;
  const press = (selector) => one(selector).click();
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  if (moves[event.key] && event.target === one("[data-easel]")) {
    const step = event.shiftKey ? 20 : Math.max(1, size() / 4);
    at = [Math.min(width - 0.5, Math.max(0.5, at[0] + step * moves[event.key][0])), Math.min(height - 0.5, Math.max(0.5, at[1] + step * moves[event.key][1]))];
    ring();
  } else if (event.key === " " && event.target === one("[data-easel]")) {
    begin(at);
    tell();
  } else {
    const done = { b: () => press("[value=paint]"), e: () => press("[value=erase]"), g: () => press("[value=fill]"), z: () => press("[data-act=undo]"), y: () => press("[data-act=redo]"), "+": () => press("[data-act=in]"), "-": () => press("[data-act=out]"), "[": () => resize(-4), "]": () => resize(4) }[event.key.toLowerCase()];
    if (!done) return;
    done();
  }
  event.preventDefault();
}

function resize(by) {
  const slider = one("[data-size]");
  slider.value = size() + by;
  slider.dispatchEvent(new Event("input"));
}

function packed() {
  const bits = new Uint8Array(Math.ceil(mask.length / 8));
  mask.forEach((value, i) => { if (value) bits[i >> 3] |= 128 >> (i & 7); });
  return bits;
}

const answer = await fetch(address);
if (!answer.ok) throw new Error(`${answer.status} ${address}`);
new Uint8Array(await answer.arrayBuffer()).forEach((value, i) => { mask[i] = value >= level ? 1 : 0; });
one("[data-size-text]").textContent = size();
canvas.style.setProperty("opacity", one("[data-opacity]").value / 100);
fit();
draw();
tell();
listen();
document.documentElement.dataset.paint = "ready";
