// Two results side by side: moved, windowed and leafed through together, or each by itself.
import { listen } from "./keys.js";
import { prefer } from "./prefer.js";
import { Pane } from "./pane.js";
import { colourTables } from "./viewer-data.js";
import { rail, wholeView } from "./viewer-tools.js";

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const config = JSON.parse(one("#viewer-config").textContent);
const deck = one("[data-deck]");
const pair = one("[data-pair]");
const OVERLAYS = [["h", "heat", "Heatmap on or off"], ["m", "mask", "Mask on or off"], ["o", "outline", "Outline on or off"], ["b", "boxes", "Boxes on or off"], ["d", "disagreement", "Disagreement on or off"]];
const SHARED = ["zoom", "x", "y", "inverted", "flipped", "turns"];
const written = (value, digits, sign) => (value === null || value === undefined ? "—" : value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits, ...(sign ? { signDisplay: "exceptZero" } : {}) }));
const mode = () => deck.querySelector("[name=mode]:checked").value;
const nearest = (rows, t) => (rows.length ? rows.reduce((best, row) => (Math.abs(row.t - t) < Math.abs(best.t - t) ? row : best)) : null);

// What one view does the other does too: the same window where it means the same, else as far from its own.
class Link {
  constructor(panes) {
    Object.assign(this, { panes, on: true, busy: false, now: panes[0] });
    panes.forEach((pane, index) => {
      const other = panes[1 - index];
      pane.viewer.addEventListener("state", () => this.#follow(pane, other));
      pane.viewer.onslice = pane.own.depth > 1 && ((delta) => this.leaf(pane, pane.wanted + Math.sign(delta)));
      pane.slider?.addEventListener("input", () => this.leaf(pane, Number(pane.slider.value) - 1));
      for (const event of ["pointerdown", "focusin"]) pane.root.addEventListener(event, () => this.choose(pane));
    });
    this.toggle(true);
  }

  choose(pane) {
    this.now = pane;
    this.panes.forEach((each) => each.root.classList.toggle("now", each === pane));
  }

  toggle(on = !this.on) {
    this.on = on;
    this.from = this.panes.map((pane) => pane.wanted); // slices go on from where each stands
    one("[data-rail] [data-key=k]").setAttribute("aria-pressed", on);
    pair.classList.toggle("free", !on);
    if (on) this.#follow(this.now, this.panes.find((pane) => pane !== this.now));
  }

  leaf(pane, index) {
    const steps = Math.min(pane.own.depth - 1, Math.max(0, index));
    const wishes = [pane.go(steps)];
    if (this.on) {
      const at = this.panes.indexOf(pane), other = this.panes[1 - at];
      const moved = steps - this.from[at];
      const far = config.byPosition ? Math.round((moved * pane.own.thick) / other.own.thick) : moved;
      wishes.push(other.go(this.from[1 - at] + far));
    }
    Promise.all(wishes).catch(() => {}); // the number stays with the slice that is shown at the next try
  }

  #follow(pane, other) {
    if (!this.on || this.busy) return;
    this.busy = true;
    const { state } = pane.viewer;
    const change = Object.fromEntries(SHARED.map((name) => [name, state[name]]));
    if (config.sameScale) Object.assign(change, { center: state.center, width: state.width });
    else {
      const share = other.home.width / pane.home.width;
      Object.assign(change, { width: Math.max(1, state.width * share), center: other.home.center + (state.center - pane.home.center) * share });
    }
    other.viewer.set(change);
    this.busy = false;
  }
}

function showRows(rows) {
  for (const line of all("[data-measure]")) {
    const name = line.dataset.measure;
    const [a, b] = rows.map((row) => row?.[name]);
    const apart = name === "area_percent" && rows[0]?.denominator !== rows[1]?.denominator;
    const none = a === null || a === undefined || b === null || b === undefined || apart;
    const texts = [written(a, config.digits[name]), written(b, config.digits[name]), written(none ? null : a - b, config.digits[name], true)];
    [...line.querySelectorAll("td")].forEach((cell, index) => { cell.textContent = texts[index]; });
  }
  rows.forEach((row, index) => {
    const place = one(`[data-severity="${index + 1}"]`);
    if (row && place) place.replaceChildren(one(`[data-chip="${row.severity}"]`).content.cloneNode(true));
  });
}

function controls(panes, link, tables) {
  const steps = config.rows.find((rows) => rows.length) ?? [];
  const show = {
    overlay: () => panes.forEach((pane) => pane.show(mode(), tables)),
    opacity() {
      if (!one("#op")) return;
      one("#opo").textContent = `${one("#op").value} %`;
      panes.forEach((pane) => pane.viewer.set({ opacity: one("#op").value / 100 }));
    },
    threshold() {
      const { t } = steps[Number(one("#th").value)];
      const rows = config.rows.map((each) => nearest(each, t));
      panes.forEach((pane, index) => rows[index] && pane.viewer.set({ threshold: rows[index].t }));
      all("#tho, [data-at]").forEach((place) => { place.textContent = written(t, 2); });
      one("#th").setAttribute("aria-valuetext", written(t, 2));
      showRows(rows);
    },
  };
  deck.addEventListener("submit", (event) => event.preventDefault());
  all("[name=mode]").forEach((radio) => radio.addEventListener("change", show.overlay));
  one("#cm")?.addEventListener("change", () => {
    prefer({ palette: one("#cm").value });
    show.overlay();
  });
  one("#op")?.addEventListener("input", show.opacity);
  one("#pl")?.addEventListener("change", () => deck.submit()); // another plane is another page
  one("#wp")?.addEventListener("change", () => {
    const [center, width] = one("#wp").value.split(",").map(Number);
    link.now.viewer.set({ center, width });
  });
  if (steps.length) {
    const slider = one("#th");
    const at = steps.indexOf(nearest(steps, Number(slider.value)));
    Object.assign(slider, { min: 0, max: steps.length - 1, step: 1 });
    slider.value = at;
    slider.addEventListener("input", show.threshold);
    show.threshold();
  }
  show.overlay();
  show.opacity();
  return show;
}

function keyTable(panes, link, show) {
  const now = () => link.now.viewer;
  const called = (key) => one(`[data-rail] [data-key="${key}"]`).title.replace(/ \([^)]*\)$/, "");
  const tool = (name) => () => {
    panes.forEach((pane) => { pane.viewer.tool = name; });
    all("[data-tool]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.tool === name));
  };
  const toggle = (value) => () => {
    const radio = deck.querySelector(`[name=mode][value=${mode() === value ? "off" : value}]`);
    if (radio) radio.checked = true;
    show.overlay();
  };
  const step = (id, sign) => () => {
    const slider = one(id);
    slider.value = Number(slider.value) + sign * slider.step;
    slider.dispatchEvent(new Event("input"));
  };
  const acts = {
    w: tool("window"), p: tool("pan"), z: tool("zoom"),
    k: () => link.toggle(),
    y: () => one("[data-rail] [data-key=y]").setAttribute("aria-pressed", pair.classList.toggle("below")),
    "+": () => now().zoomBy(1.2), "-": () => now().zoomBy(1 / 1.2),
    "Shift+Z": () => now().set(wholeView),
    i: () => now().set({ inverted: !now().state.inverted }),
    f: () => now().flip(), "Shift+F": () => now().flip(true), r: () => now().rotate(),
    0: () => now().set({ ...link.now.home, ...wholeView, inverted: false, flipped: false, turns: 0 }),
  };
  const pan = (x, y) => () => now().set({ x: now().state.x + x, y: now().state.y + y });
  const leaf = (by) => () => link.leaf(link.now, link.now.wanted + by);
  const hasSlices = panes.some((pane) => pane.own.depth > 1);
  return {
    ...Object.fromEntries(Object.entries(acts).map(([key, act]) => [key, [called(key), act]])),
    ...Object.fromEntries(OVERLAYS.filter(([, value]) => deck.querySelector(`[name=mode][value=${value}]`)).map(([key, value, words]) => [key, [words, toggle(value)]])),
    ...(one("#op") ? { "[": ["Opacity down", step("#op", -1)], "]": ["Opacity up", step("#op", 1)] } : {}),
    ...(one("#th") ? { ",": ["Threshold down", step("#th", -1)], ".": ["Threshold up", step("#th", 1)] } : {}),
    ArrowLeft: ["Pan left", pan(30, 0)], ArrowRight: ["Pan right", pan(-30, 0)],
    ...(hasSlices ? { ArrowUp: ["Previous slice", leaf(-1)], ArrowDown: ["Next slice", leaf(1)] } : { ArrowUp: ["Pan up", pan(0, 30)], ArrowDown: ["Pan down", pan(0, -30)] }),
  };
}

async function begin() {
  const panes = config.panes.map((own, index) => new Pane(one(`[data-pane="${index + 1}"]`), own));
  const [tables] = await Promise.all([colourTables(one("script[data-luts]").dataset.luts), ...panes.map((pane) => pane.go(pane.wanted))]);
  all("[data-stage]").forEach((stage) => stage.classList.add("gl"));
  panes.forEach((pane) => pane.viewer.set(pane.home));
  const link = new Link(panes);
  const show = controls(panes, link, tables);
  const table = keyTable(panes, link, show);
  rail(table);
  listen(table, { first: (event) => event.key.startsWith("Arrow") && !panes.some((pane) => event.target === pane.viewer.canvas) });
  if (navigator.webdriver) window.mediscanPanes = Object.assign(panes, { link });
  document.documentElement.dataset.viewer = "webgl";
}

begin().catch(() => {
  // the server's flat layers and the form stay: nothing is lost but the interaction
  document.documentElement.dataset.viewer = "flat";
});
