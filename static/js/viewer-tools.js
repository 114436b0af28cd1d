// The tools that every picture has: rail, keys, numbers in the corners. Measuring and magnifier come when first asked for.
const one = (selector) => document.querySelector(selector);
const all = (selector) => [...document.querySelectorAll(selector)];
const MEASURES = { v: "probe", l: "length", "Shift+L": "angle", q: "ellipse", t: "rectangle" };
const DRAGS = { w: "window", p: "pan", z: "zoom" };

// What a key is called stands on its button, without the key.
const called = (key) => one(`[data-rail] [data-key="${key}"]`).title.replace(/ \([^)]*\)$/, "");

export const wholeView = { zoom: 1, x: 0, y: 0 };

export class Tools {
  constructor(viewer, config, slice) {
    Object.assign(this, { viewer, config, slice, measures: null });
  }

  pick(name) {
    this.viewer.tool = name;
    all("[data-tool]").forEach((button) => button.setAttribute("aria-pressed", button.dataset.tool === name));
    this.measures?.chosen(name);
  }

  async #measure(kind) {
    const { Measures } = await import("./measure.js");
    this.measures ??= new Measures(this.viewer, this.config, this.slice, () => this.pick("window"));
    this.pick(kind);
  }

  async #magnify() {
    const { Lens } = await import("./lens.js");
    this.lens ??= new Lens(this.viewer);
    one("[data-rail] [data-key=g]").setAttribute("aria-pressed", this.lens.toggle());
  }

  /** The keys: what each does, and its name. `home` is the window that reset goes back to. */
  keys(home) {
    const { viewer } = this;
    const acts = {
      i: () => viewer.set({ inverted: !viewer.state.inverted }),
      f: () => viewer.flip(),
      "Shift+F": () => viewer.flip(true),
      r: () => viewer.rotate(),
      "Shift+Z": () => viewer.set(wholeView),
      0: () => viewer.set({ ...home, ...wholeView, inverted: false, flipped: false, turns: 0 }),
      "+": () => viewer.zoomBy(1.2),
      "-": () => viewer.zoomBy(1 / 1.2),
      g: () => { this.#magnify(); },
    };
    for (const [key, name] of Object.entries(DRAGS)) acts[key] = () => this.pick(name);
    for (const [key, kind] of Object.entries(MEASURES)) {
      acts[key] = (event) => {
        this.#measure(kind);
        if (event) viewer.canvas.focus({ preventScroll: true }); // asked for by key: the arrows are its own from here
      };
    }
    const table = Object.fromEntries(Object.entries(acts).map(([key, act]) => [key, [called(key), act]]));
    for (const [key, rel] of [["n", "next"], ["Shift+N", "prev"]]) {
      const link = one(`.vtop a[rel=${rel}]`);
      if (link) table[key] = [link.getAttribute("aria-label"), () => link.click()];
    }
    return { ...table, u: [one("[data-undo-measure]").textContent, () => this.measures?.undo()] };
  }

  /** What is being measured hears a key before all others; true: it was meant. */
  hears(event) {
    return event.target === this.viewer.canvas && Boolean(this.measures?.key(event));
  }
}

// The rail is one tab stop; arrows move inside it.
export function rail(table) {
  const bar = one("[data-rail]");
  bar.hidden = false;
  const buttons = [...bar.querySelectorAll("button")];
  buttons.forEach((button, index) => {
    button.tabIndex = index ? -1 : 0;
    button.addEventListener("click", () => table[button.dataset.key][1]());
    button.addEventListener("keydown", (event) => {
      const move = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
      if (!move) return;
      event.preventDefault();
      const next = buttons[(index + move + buttons.length) % buttons.length];
      buttons.forEach((other) => { other.tabIndex = -1; });
      next.tabIndex = 0;
      next.focus();
    });
  });
}

/** Window, zoom and the value under the pointer; `probability` of a pixel, where the map has one. */
export function hud(viewer, config, probability = () => "") {
  const pressed = { i: () => viewer.state.inverted, f: () => viewer.state.flipped };
  viewer.addEventListener("draw", () => {
    one("[data-hud-window]").textContent = `WW ${Math.round(viewer.state.width)}  WL ${Math.round(viewer.state.center)}`;
    one("[data-hud-zoom]").textContent = `Zoom ${Math.round(viewer.scale * 100)} %`;
    for (const [key, is] of Object.entries(pressed)) one(`[data-rail] [data-key=${key}]`).setAttribute("aria-pressed", is());
  });
  viewer.addEventListener("probe", ({ detail: [x, y] }) => {
    const inside = x >= 0 && y >= 0 && x < config.width && y < config.height;
    const index = y * config.width + x;
    const value = inside && viewer.real(index).toLocaleString(document.documentElement.lang, { maximumFractionDigits: 2 });
    one("[data-probe]").textContent = inside ? `x ${x}  y ${y}\nvalue ${value}${probability(index)}` : "";
  });
}
