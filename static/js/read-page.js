// The page where one reads first: the picture in all its bits, its tools, and the reader's words. It knows of no result.
import { listen } from "./keys.js";
import { Pane } from "./pane.js";
import { Tools, hud, rail } from "./viewer-tools.js";

const one = (selector) => document.querySelector(selector);
const config = JSON.parse(one("#viewer-config").textContent);
const NOTCH = 40; // px of a wheel's turn to one slice; a touchpad sends many small ones

// A slice that does not come is asked for again at the next try; its number stays with what is shown.
function leafing(pane) {
  const leaf = (index) => pane.go(index).then(remember, () => pane.go(pane.shown));
  const remember = () => {
    const address = new URL(location);
    address.searchParams.set("plane", one("[name=plane]").value);
    address.searchParams.set("slice", pane.shown + 1);
    history.replaceState(null, "", address);
  };
  let turned = 0;
  pane.viewer.onslice = (delta) => {
    turned += delta;
    const notches = Math.trunc(turned / NOTCH);
    turned -= notches * NOTCH;
    if (notches) leaf(pane.wanted + Math.sign(notches));
  };
  pane.viewer.addEventListener("leaf", ({ detail }) => leaf(detail));
  pane.slider.addEventListener("input", () => leaf(Number(pane.slider.value) - 1));
  const far = Math.max(2, Math.round(config.depth / 10));
  return {
    ArrowUp: ["Previous slice", () => leaf(pane.wanted - 1)],
    ArrowDown: ["Next slice", () => leaf(pane.wanted + 1)],
    PageUp: [`${far} slices back`, () => leaf(pane.wanted - far)],
    PageDown: [`${far} slices on`, () => leaf(pane.wanted + far)],
    Home: ["First slice", () => leaf(0)],
    End: ["Last slice", () => leaf(config.depth - 1)],
  };
}

function windows(viewer) {
  const select = one("#wp");
  const show = () => {
    const [center, width] = select.value.split(",").map(Number);
    viewer.set({ center, width });
  };
  select.addEventListener("change", show);
  return Object.fromEntries([...select.options].slice(0, 5).map((option, index) => [index + 1, [`Window: ${option.text}`, () => {
    select.selectedIndex = index;
    show();
  }]]));
}

// Another plane is another page: it keeps the window, and asks before typed words are lost.
function planes(viewer) {
  for (const link of document.querySelectorAll("[data-plane]")) {
    link.addEventListener("click", () => {
      const { center, width } = viewer.state;
      link.search = new URLSearchParams({ plane: link.dataset.plane, window: `${center},${Math.max(1, width)}` });
    });
  }
  const form = one("[data-review]");
  let isSent = false;
  form.addEventListener("submit", () => { isSent = true; });
  addEventListener("beforeunload", (event) => {
    if (form.elements.text.value !== form.elements.text.defaultValue && !isSent) event.preventDefault();
  });
}

async function begin() {
  const pane = new Pane(one("[data-pane]"), config);
  const { viewer } = pane;
  await pane.go(config.slice);
  one("[data-stage]").classList.add("gl");
  const tools = new Tools(viewer, config, () => pane.shown);
  const pan = (x, y) => viewer.set({ x: viewer.state.x + x, y: viewer.state.y + y });
  const table = {
    ...tools.keys(pane.home), ...windows(viewer),
    ArrowLeft: ["Pan left", () => pan(30, 0)],
    ArrowRight: ["Pan right", () => pan(-30, 0)],
    ...(config.depth > 1 ? leafing(pane) : { ArrowUp: ["Pan up", () => pan(0, 30)], ArrowDown: ["Pan down", () => pan(0, -30)] }),
  };
  hud(viewer, config);
  rail(table);
  planes(viewer);
  one("[data-deck]").addEventListener("submit", (event) => event.preventDefault());
  listen(table, { first: (event) => tools.hears(event) || (/^(Arrow|Page|Home|End)/.test(event.key) && event.target !== viewer.canvas) });
  viewer.set({ ...pane.home, mode: "off" });
  if (navigator.webdriver) window.mediscanViewer = Object.assign(viewer, { pane, hand: tools });
  document.documentElement.dataset.viewer = "webgl";
}

begin().catch(() => {
  // the server's picture and the form stay: nothing is lost but the interaction
  document.documentElement.dataset.viewer = "flat";
});
