// A volume in three planes, cut through one point: where it is set in one, the others follow.
import { listen } from "./keys.js";
import { prefer } from "./prefer.js";
import { Pane } from "./pane.js";
import { colourTables } from "./viewer-data.js";
import { rail, wholeView } from "./viewer-tools.js";

const SVG = "http://www.w3.org/2000/svg";
const GAP = 9; // px left open round the point, so that it is not covered
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const config = JSON.parse(one("#viewer-config").textContent);
const deck = one("[data-deck]");
const mode = () => deck.querySelector("[name=mode]:checked").value;

// A voxel [z, y, x] as [slice, row, column] of a plane, and back: the axes change places, some run the other way.
const inPlane = ({ axes, flips }, voxel) => axes.map((axis, place) => (place && flips[place - 1] ? config.shape[axis] - 1 - voxel[axis] : voxel[axis]));
function toVoxel({ axes, flips }, place) {
  const voxel = [0, 0, 0];
  axes.forEach((axis, at) => { voxel[axis] = at && flips[at - 1] ? config.shape[axis] - 1 - place[at] : place[at]; });
  return voxel;
}

class Point {
  constructor(panes) {
    Object.assign(this, { panes, voxel: config.voxel, now: panes[0] });
    panes.forEach((pane) => {
      const [layer, path] = ["svg", "path"].map((name) => document.createElementNS(SVG, name));
      layer.setAttribute("class", "call");
      layer.setAttribute("aria-hidden", "true");
      path.setAttribute("class", "cross");
      layer.append(path);
      pane.viewer.canvas.after(layer);
      pane.viewer.addEventListener("draw", () => this.#draw(pane, path));
      const set = ([column, row]) => this.set(toVoxel(pane.own, [pane.wanted, Math.floor(row), Math.floor(column)]));
      pane.viewer.tools.point = { down: set, move: () => {}, up: () => {} };
      pane.viewer.canvas.addEventListener("pointermove", (event) => {
        if (event.buttons === 1 && pane.viewer.tool === "point") set(pane.viewer.placeAt(event.clientX, event.clientY));
      });
      pane.viewer.tool = "point";
      pane.viewer.onslice = (delta) => this.step(pane, [Math.sign(delta), 0, 0]);
      pane.slider.addEventListener("input", () => {
        const [, row, column] = inPlane(pane.own, this.voxel);
        this.set(toVoxel(pane.own, [Number(pane.slider.value) - 1, row, column]));
      });
      for (const event of ["pointerdown", "focusin"]) pane.root.addEventListener(event, () => { this.now = pane; });
    });
  }

  step(pane, by) { this.set(toVoxel(pane.own, inPlane(pane.own, this.voxel).map((at, index) => at + by[index]))); }

  set(voxel) {
    this.voxel = voxel.map((at, axis) => Math.min(config.shape[axis] - 1, Math.max(0, at)));
    const wishes = this.panes.map((pane) => pane.go(inPlane(pane.own, this.voxel)[0]));
    this.panes.forEach((pane) => pane.viewer.draw());
    return Promise.all(wishes).then(() => this.tell(), () => {}); // a slice that stays away is asked for again at the next step
  }

  /** Where the point is: patient coordinates in mm (left, posterior, superior are positive), and what is there. */
  tell() {
    const [z, y, x] = this.voxel;
    const lps = config.affine.slice(0, 3).map(([a, b, c, d]) => a * x + b * y + c * z + d);
    const letters = [["L", "R"], ["P", "A"], ["S", "I"]];
    const place = lps.map((at, axis) => `${letters[axis][at < 0 ? 1 : 0]} ${Math.abs(at).toFixed(1)}`).join("  ");
    const [pane] = this.panes;
    const [slice, row, column] = inPlane(pane.own, this.voxel);
    if (slice !== pane.shown) return;
    const index = row * pane.own.width + column;
    const unit = config.unit === "HU" ? " HU" : "";
    one("[data-point]").textContent = `${place} mm, ${Math.round(pane.viewer.real(index))}${unit}, p ${(pane.viewer.levels[index] / 255).toFixed(2)}`;
  }

  #draw(pane, path) {
    const [, row, column] = inPlane(pane.own, this.voxel);
    const [x, y] = pane.viewer.toScreen(column + 0.5, row + 0.5);
    const { clientWidth: wide, clientHeight: high } = pane.viewer.canvas;
    path.setAttribute("d", `M0 ${y}H${x - GAP}M${x + GAP} ${y}H${wide}M${x} 0V${y - GAP}M${x} ${y + GAP}V${high}`);
  }
}

function controls(panes, tables) {
  const show = {
    overlay: () => panes.forEach((pane) => pane.show(mode(), tables)),
    opacity() {
      one("#opo").textContent = `${one("#op").value} %`;
      panes.forEach((pane) => pane.viewer.set({ opacity: one("#op").value / 100 }));
    },
    window() {
      const [center, width] = one("#wp").value.split(",").map(Number);
      panes.forEach((pane) => pane.viewer.set({ center, width }));
    },
  };
  deck.addEventListener("submit", (event) => event.preventDefault());
  all("[name=mode]").forEach((radio) => radio.addEventListener("change", show.overlay));
  one("#cm").addEventListener("change", () => {
    prefer({ palette: one("#cm").value });
    show.overlay();
  });
  one("#op").addEventListener("input", show.opacity);
  one("#wp").addEventListener("change", show.window);
  show.overlay();
  show.opacity();
  return show;
}

// One window for all three; each has its own zoom and place.
function sameWindow(panes) {
  let busy = false;
  panes.forEach((pane) => pane.viewer.addEventListener("state", () => {
    if (busy) return;
    busy = true;
    const { center, width, inverted } = pane.viewer.state;
    panes.forEach((other) => other !== pane && other.viewer.set({ center, width, inverted }));
    busy = false;
  }));
}

function keyTable(panes, point, show) {
  const called = (key) => one(`[data-rail] [data-key="${key}"]`).title.replace(/ \([^)]*\)$/, "");
  const now = () => point.now.viewer;
  const tool = (name) => () => {
    panes.forEach((pane) => { pane.viewer.tool = name; });
    all("[data-tool]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.tool === name));
  };
  const toggle = (value) => () => {
    deck.querySelector(`[name=mode][value=${mode() === value ? "off" : value}]`).checked = true;
    show.overlay();
  };
  const acts = {
    v: tool("point"), w: tool("window"), p: tool("pan"), z: tool("zoom"),
    "+": () => now().zoomBy(1.2), "-": () => now().zoomBy(1 / 1.2),
    i: () => now().set({ inverted: !now().state.inverted }),
    0: () => panes.forEach((pane) => pane.viewer.set({ ...pane.home, ...wholeView, inverted: false })),
  };
  const step = (...by) => () => { point.step(point.now, by); };
  return {
    ...Object.fromEntries(Object.entries(acts).map(([key, act]) => [key, [called(key), act]])),
    h: ["Heatmap on or off", toggle("heat")], m: ["Mask on or off", toggle("mask")], o: ["Outline on or off", toggle("outline")],
    ArrowLeft: ["Point left", step(0, 0, -1)], ArrowRight: ["Point right", step(0, 0, 1)],
    ArrowUp: ["Point up", step(0, -1, 0)], ArrowDown: ["Point down", step(0, 1, 0)],
    PageUp: ["Previous slice", step(-1, 0, 0)], PageDown: ["Next slice", step(1, 0, 0)],
  };
}

async function begin() {
  const panes = config.panes.map((own, index) => new Pane(one(`[data-pane="${index + 1}"]`), own));
  const [tables] = await Promise.all([colourTables(one("script[data-luts]").dataset.luts), ...panes.map((pane) => pane.go(pane.wanted))]);
  all("[data-stage]").forEach((stage) => stage.classList.add("gl"));
  panes.forEach((pane) => pane.viewer.set({ ...pane.home, threshold: config.threshold }));
  sameWindow(panes);
  const point = new Point(panes);
  const show = controls(panes, tables);
  const table = keyTable(panes, point, show);
  rail(table);
  listen(table, { first: (event) => /^(Arrow|Page)/.test(event.key) && !panes.some((pane) => event.target === pane.viewer.canvas) });
  point.tell();
  if (navigator.webdriver) window.mediscanPanes = Object.assign(panes, { point });
  document.documentElement.dataset.viewer = "webgl";
}

begin().catch(() => {
  // the server's flat layers and the form stay: nothing is lost but the interaction
  document.documentElement.dataset.viewer = "flat";
});
