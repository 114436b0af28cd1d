// Ties the viewer to the result page: sliders, keys, numbers by threshold. The server's table is the truth.
import { Viewer, thresholdLevel } from "./viewer.js";
import { colourTables } from "./viewer-data.js";
import { listen } from "./keys.js";
import { prefer } from "./prefer.js";
import { Slices } from "./slices.js";
import { marks } from "./viewer-marks.js";
import { Tools, hud, rail } from "./viewer-tools.js";
import { regionKeys } from "./regions.js";
import { decisionKeys, followThreshold } from "./review.js";

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const config = JSON.parse(one("#viewer-config").textContent);
const stage = one("[data-stage]");
const deck = one("[data-deck]");
const home = { center: config.center, width: config.windowWidth };
const format = (value, digits) => (value === null || value === undefined ? "—" : value.toLocaleString(document.documentElement.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }));
const DIGITS = { mask_px: 0, area_px: 0, reference_px: 0, area_mm2: 0, volume_ml: 2, average_intensity: 1, ratio: 2, circularity: 2, sphericity: 2, lesions: 0, specks: 0 };
const SHOWN = ["area_percent", "average_intensity", "ratio", "circularity", ...(config.depth > 1 ? ["volume_ml", "sphericity"] : [])];

function rowAt(t) {
  return config.rows.reduce((best, row) => (Math.abs(row.t - t) < Math.abs(best.t - t) ? row : best));
}

// Every number, the severity and the outline change together.
function showRow(row) {
  for (const cell of all("[data-m]")) {
    const name = cell.dataset.m, value = name === "mask_px" ? row.area_px + row.outside_px : row[name];
    cell.textContent = name in DIGITS ? format(value, DIGITS[name]) : row[name] ?? "—";
  }
  one("[data-severity]").replaceChildren(one(`[data-chip="${row.severity}"]`).content.cloneNode(true));
  const why = one("[data-why]"), share = `${row.area_text} ${why.dataset.of} ${row.denominator}`;
  why.textContent = share;
  one("[data-reason]").textContent = row.severity_reason;
  const missing = [...new Set(SHOWN.filter((name) => row[name] === null).map((name) => row.reasons[name]))];
  one("[data-missing]").hidden = missing.length === 0;
  one("[data-missing-text]").textContent = missing.join(" ");
  const preview = row.level !== thresholdLevel(config.saved);
  const state = one("[data-state]");
  state.textContent = preview ? state.dataset.preview.replace("%t", format(row.t, 2)).replace("%s", format(config.saved, 2)) : state.dataset.saved.replace("%t", format(config.saved, 2));
  const pin = one("[data-pin]");
  if (pin && config.cuts && row.area_percent !== null) pin.setAttribute("transform", `translate(${pinAt(row.area_percent, config.cuts)})`);
  one("#tho").textContent = format(row.t, 2);
  one("#th").setAttribute("aria-valuetext", `${format(row.t, 2)}, ${share}`);
  const tick = one("[data-legend-tick]");
  tick.textContent = format(row.t, 2);
  tick.setAttribute("y", 4 + 162 * (1 - row.t));
}

const mode = () => deck.querySelector("[name=mode]:checked").value;

function pinAt(value, [low, high]) {
  if (value < low) return (96 * value) / low;
  if (value <= high) return 98 + (140 * (value - low)) / (high - low);
  return Math.min(338, 240 + (98 * (value - high)) / (100 - high));
}

function legend(table) {
  const context = one("[data-legend]").getContext("2d");
  const column = context.createImageData(1, 256);
  for (let i = 0; i < 256; i += 1) {
    column.data.set([...table.subarray(3 * (255 - i), 3 * (255 - i) + 3), 255], 4 * i);
  }
  context.putImageData(column, 0, 0);
}

// One step per row of the table, so that the saved threshold has a place of its own among the others.
function stepByRow(slider) {
  const at = config.rows.indexOf(rowAt(Number(slider.value)));
  Object.assign(slider, { min: 0, max: config.rows.length - 1, step: 1 });
  slider.value = at;
}

function attach(viewer, tables, slices) {
  const shown = {
    overlay() {
      const name = mode() === "disagreement" && one("#cm").value === "redgreen" ? "magma" : one("#cm").value;
      viewer.setTable(tables[name]);
      legend(tables[name]);
      const isSpread = mode() === "disagreement";
      one("[data-legend-top]").textContent = isSpread ? "0.5" : "1.0";
      one("[data-legend-tick]").toggleAttribute("hidden", isSpread); // a probability has no place on a deviation's scale
      viewer.set({ mode: mode() });
      all(".film [data-mode]").forEach((link) => (link.dataset.mode === mode() ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    },
    opacity() {
      one("#opo").textContent = `${one("#op").value} %`;
      one("#op").setAttribute("aria-valuetext", `${one("#op").value} %`);
      viewer.set({ opacity: one("#op").value / 100 });
    },
    threshold() {
      const row = config.rows[Number(one("#th").value)];
      showRow(row);
      viewer.set({ threshold: row.t });
      followThreshold(row.t, row.level !== thresholdLevel(config.saved));
      slices.bar(row.level);
      one("[data-print]").dataset.t = row.t;
      const download = one("[data-mask-png]");
      if (download) {
        const address = new URL(download.href);
        address.searchParams.set("t", row.t);
        download.href = address;
      }
    },
    window() {
      const [center, width] = one("#wp").value.split(",").map(Number);
      viewer.set({ center, width });
    },
  };
  deck.addEventListener("submit", (event) => event.preventDefault());
  all("[name=mode]").forEach((radio) => radio.addEventListener("change", shown.overlay));
  one("#cm").addEventListener("change", () => {
    prefer({ palette: one("#cm").value });
    shown.overlay();
  });
  one("#op").addEventListener("input", shown.opacity);
  stepByRow(one("#th"));
  one("#th").addEventListener("input", shown.threshold);
  one("#wp").addEventListener("change", shown.window);
  Object.values(shown).forEach((show) => show());
  all("[data-mode]").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    setMode(link.dataset.mode, shown);
  }));
  return shown;
}

function setMode(value, shown) {
  deck.querySelector(`[name=mode][value=${value}]`).checked = true;
  shown.overlay();
}

function actions(viewer, shown, slices, tools) {
  const toggle = (value) => setMode(mode() === value ? "off" : value, shown);
  const step = (id, sign) => {
    const slider = one(id);
    slider.value = Number(slider.value) + sign * slider.step;
    slider.dispatchEvent(new Event("input"));
  };
  const pick = (index) => {
    const select = one("#wp");
    if (index < select.options.length) {
      select.selectedIndex = index;
      shown.window();
    }
  };
  const pan = (x, y) => viewer.set({ x: viewer.state.x + x, y: viewer.state.y + y });
  return {
    ...tools.keys(home),
    h: ["Heatmap on or off", () => toggle("heat")],
    m: ["Mask on or off", () => toggle("mask")],
    o: ["Outline on or off", () => toggle("outline")],
    ...(config.spread ? { d: ["Disagreement on or off", () => toggle("disagreement")] } : {}),
    "[": ["Opacity down", () => step("#op", -1)],
    "]": ["Opacity up", () => step("#op", 1)],
    ",": ["Threshold down", () => step("#th", -1)],
    ".": ["Threshold up", () => step("#th", 1)],
    c: ["Next colours", () => { const s = one("#cm"); s.selectedIndex = (s.selectedIndex + 1) % s.options.length; s.dispatchEvent(new Event("change")); }],
    ArrowLeft: ["Pan left", () => pan(30, 0)],
    ArrowRight: ["Pan right", () => pan(-30, 0)],
    ...(config.depth > 1 ? { "Shift+ArrowUp": ["Pan up", () => pan(0, 30)], "Shift+ArrowDown": ["Pan down", () => pan(0, -30)], ...slices.keys() }
      : { ArrowUp: ["Pan up", () => pan(0, 30)], ArrowDown: ["Pan down", () => pan(0, -30)] }),
    ...decisionKeys(),
    ...Object.fromEntries([...one("#wp").options].slice(0, 5).map((option, index) => [index + 1, [`Window: ${option.text}`, () => pick(index)]])),
  };
}

function keys(viewer, table, tools) {
  const first = (event) => {
    if (tools.hears(event)) return true;
    // elsewhere these keys move the page or a focus; a page that fits its window needs them for nothing
    const free = event.target === viewer.canvas || (config.depth > 1 && event.target === document.body && document.body.scrollHeight <= innerHeight);
    if (/^(Arrow|Page|Home|End)/.test(event.key) && !free) return true;
    if (event.key !== " " || event.target !== viewer.canvas) return event.key === " ";
    event.preventDefault();
    if (!event.repeat) viewer.set({ mode: "off" });
    return true;
  };
  listen(table, { first, also: { Space: ["Bare image while held"] } });
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && event.target === viewer.canvas) viewer.set({ mode: mode() });
  });
}

// What the list of regions asks of the picture: the cut of its regions, the slice, to move there, to go back to that cut.
function ties(viewer, slices, shown) {
  return {
    cut: thresholdLevel(config.saved),
    slice: () => slices.shown,
    show({ box: [, top, left, , bottom, right], centroid }) {
      if (slices.slider) slices.leaf(Math.round(centroid[0]));
      const zoom = Math.min(8, (0.6 * Math.min(config.width, config.height)) / Math.max(bottom - top, right - left, 1));
      viewer.centreOn(centroid[2], centroid[1], Math.max(1, zoom));
    },
    atSaved() {
      one("#th").value = config.rows.indexOf(rowAt(config.saved));
      shown.threshold();
    },
  };
}

async function begin() {
  const viewer = new Viewer(one("canvas.main"), { keep: navigator.webdriver });
  if (Math.max(config.width, config.height) > viewer.limit) throw new Error("the picture is larger than this GPU's textures");
  const slices = new Slices(viewer, config);
  const script = one("script[data-luts]");
  const [tables] = await Promise.all([colourTables(script.dataset.luts), slices.go(config.slice)]);
  stage.classList.add("gl");
  const shown = attach(viewer, tables, slices);
  const isSaved = () => thresholdLevel(viewer.state.threshold) === thresholdLevel(config.saved);
  marks(viewer, config, () => isSaved() && viewer.state.mode !== "off" && !config.edited, () => slices.shown);
  const tools = new Tools(viewer, config, () => slices.shown);
  const table = { ...actions(viewer, shown, slices, tools), ...regionKeys(viewer, config, ties(viewer, slices, shown)) };
  hud(viewer, config, (index) => `  p ${(viewer.levels[index] / 255).toFixed(2)}`);
  rail(table);
  keys(viewer, table, tools);
  viewer.set(home);
  // paper shows the server's pictures, so its numbers are those of the same threshold
  addEventListener("beforeprint", () => showRow(rowAt(config.threshold)));
  addEventListener("afterprint", () => shown.threshold());
  slices.listen();
  if (navigator.webdriver) window.mediscanViewer = Object.assign(viewer, { slices, hand: tools });
  document.documentElement.dataset.viewer = "webgl";
}

begin().catch(() => {
  // the server's flat layers and the form stay: nothing is lost but the interaction
  document.documentElement.dataset.viewer = "flat";
});
