// Ties the viewer to a page of classes or boxes: overlay, map, window, slice, keys. Nothing here has a threshold.
import { listen } from "./keys.js";
import { prefer } from "./prefer.js";
import { Viewer } from "./viewer.js";
import { colourTables, imageSlice, mapSlice } from "./viewer-data.js";
import { marks } from "./viewer-marks.js";
import { Tools, hud, rail } from "./viewer-tools.js";
import { boxes, zoomFor } from "./boxes.js";
import { decisionKeys } from "./review.js";

const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const config = JSON.parse(one("#viewer-config").textContent);
const stage = one("[data-stage]");
const deck = one("[data-deck]");
const home = { center: config.center, width: config.windowWidth };
const mode = () => deck.querySelector("[name=mode]:checked").value;
const slice = () => (one("#sl") ? Number(one("#sl").value) - 1 : config.slice);

function legend(table) {
  const context = one("[data-legend]").getContext("2d");
  const column = context.createImageData(1, 256);
  for (let i = 0; i < 256; i += 1) column.data.set([...table.subarray(3 * (255 - i), 3 * (255 - i) + 3), 255], 4 * i);
  context.putImageData(column, 0, 0);
}

let newest = 0; // of the slices asked for: an answer that was overtaken is not shown

async function load(viewer) {
  newest += 1;
  const mine = newest;
  const address = config.maps[one("#mp")?.value ?? config.map];
  const nothing = () => new Uint8Array(config.width * config.height);
  const [image, levels] = await Promise.all([imageSlice(config, slice()), address ? mapSlice(config, address, slice()) : nothing()]);
  if (mine !== newest) return;
  viewer.setImage(image.values, config.width, config.height, image.slope, image.intercept, image.exact);
  viewer.setLevels(levels);
}

function controls(viewer, tables) {
  const show = {
    // a map of where models looked has no outline: its level is out of reach, so that only colours are drawn
    overlay() {
      viewer.set({ mode: mode() === "heat" ? "heat" : "off", threshold: 1.01 });
      all(".film a").forEach((link) => {
        const on = link.dataset.map ? mode() === "heat" && link.dataset.map === one("#mp").value : link.dataset.mode === mode();
        on ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
      });
    },
    colours() {
      const name = one("#cm")?.value;
      if (!name) return;
      viewer.setTable(tables[name]);
      legend(tables[name]);
    },
    opacity() {
      const slider = one("#op");
      if (!slider) return;
      one("#opo").textContent = `${slider.value} %`;
      slider.setAttribute("aria-valuetext", `${slider.value} %`);
      viewer.set({ opacity: slider.value / 100 });
    },
    window() {
      const [center, width] = one("#wp").value.split(",").map(Number);
      viewer.set({ center, width });
    },
  };
  const reload = async () => {
    if (one("#slo")) one("#slo").textContent = slice() + 1;
    await load(viewer);
    show.overlay();
  };
  const pick = (value) => {
    deck.querySelector(`[name=mode][value=${value}]`).checked = true;
    show.overlay();
  };
  deck.addEventListener("submit", (event) => event.preventDefault());
  all("[name=mode]").forEach((radio) => radio.addEventListener("change", show.overlay));
  one("#cm")?.addEventListener("change", () => {
    prefer({ palette: one("#cm").value });
    show.colours();
  });
  one("#op")?.addEventListener("input", show.opacity);
  one("#wp").addEventListener("change", show.window);
  one("#sl")?.addEventListener("input", reload);
  one("#mp")?.addEventListener("change", () => {
    pick("heat");
    reload();
  });
  Object.values(show).forEach((step) => step());
  all(".film :is([data-mode], [data-map])").forEach((link) => link.addEventListener("click", (event) => {
    event.preventDefault();
    if (!link.dataset.map) return pick(link.dataset.mode);
    one("#mp").value = link.dataset.map;
    return one("#mp").dispatchEvent(new Event("change"));
  }));
  const leaf = (by) => {
    one("#sl").value = slice() + 1 + by;
    reload();
  };
  viewer.onslice = one("#sl") && ((delta) => leaf(Math.sign(delta)));
  return { pick, reload, leaf };
}

function actions(viewer, { pick, leaf }, tools) {
  const toggle = (value) => pick(mode() === value ? "off" : value);
  const pan = (x, y) => viewer.set({ x: viewer.state.x + x, y: viewer.state.y + y });
  const { e, ...decide } = decisionKeys(); // without a mask there is nothing to edit
  const has = (value) => deck.querySelector(`[name=mode][value=${value}]`) !== null;
  return {
    ...tools.keys(home),
    ...(has("heat") ? { h: ["Heatmap on or off", () => toggle("heat")] } : {}),
    ...(has("boxes") ? { b: ["Boxes on or off", () => toggle("boxes")] } : {}),
    ArrowLeft: ["Pan left", () => pan(30, 0)],
    ArrowRight: ["Pan right", () => pan(-30, 0)],
    ...(config.depth > 1 ? { ArrowUp: ["Previous slice", () => leaf(-1)], ArrowDown: ["Next slice", () => leaf(1)] }
      : { ArrowUp: ["Pan up", () => pan(0, 30)], ArrowDown: ["Pan down", () => pan(0, -30)] }),
    ...decide,
  };
}

function keys(viewer, table, tools) {
  listen(table, { first: (event) => tools.hears(event) || (event.key.startsWith("Arrow") && event.target !== viewer.canvas) });
}

async function begin() {
  const viewer = new Viewer(one("canvas.main"), { keep: navigator.webdriver });
  if (Math.max(config.width, config.height) > viewer.limit) throw new Error("the picture is larger than this GPU's textures");
  const least = Math.min(...config.pixel);
  viewer.stretch = [config.pixel[1] / least, config.pixel[0] / least];
  const [tables] = await Promise.all([colourTables(one("script[data-luts]").dataset.luts), load(viewer)]);
  stage.classList.add("gl");
  const page = controls(viewer, tables);
  const tools = new Tools(viewer, config, slice);
  const table = actions(viewer, page, tools);
  hud(viewer, config);
  rail(table);
  keys(viewer, table, tools);
  marks(viewer, config, () => false, slice);
  const mark = boxes(viewer, config, () => mode() === "boxes", slice);
  all("[data-box]").forEach((link) => link.addEventListener("click", async (event) => {
    event.preventDefault();
    const index = Number(link.dataset.box);
    const { box, slice: at } = config.boxes[index];
    if (one("#sl") && at !== slice()) {
      one("#sl").value = at + 1;
      await page.reload();
    }
    page.pick("boxes");
    mark(index);
    viewer.centreOn((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, zoomFor(box, config));
  }));
  viewer.set(home);
  if (navigator.webdriver) window.mediscanViewer = viewer;
  document.documentElement.dataset.viewer = "webgl";
}

begin().catch(() => {
  // the server's flat layers and the form stay: nothing is lost but the interaction
  document.documentElement.dataset.viewer = "flat";
});
