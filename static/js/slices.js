// Leafing through a volume: one slice on the screen, its neighbours fetched ahead, the newest wish wins.
import { imageSlice, mapSlice } from "./viewer-data.js";

const AHEAD = 3;
const MOST_BYTES = 256 * 2 ** 20; // kept in memory only
const HEIGHT = 20;
const LEAST = 3; // of the bar, however few pixels a slice holds
const NOTCH = 40; // px of a wheel's turn to one slice; a touchpad sends many small ones

const one = (selector) => document.querySelector(selector);

export class Slices {
  constructor(viewer, config) {
    Object.assign(this, { viewer, config, kept: new Map(), shown: -1, wanted: config.slice });
    const [height, width] = config.pixel;
    viewer.stretch = [width / Math.min(height, width), height / Math.min(height, width)];
    this.room = Math.max(2 * AHEAD + 2, Math.floor(MOST_BYTES / (4 * config.width * config.height)));
    this.slider = one("#sl");
  }

  // Show a slice; of many wishes that come while one is under way only the last is fetched.
  async go(index) {
    this.wanted = Math.min(this.config.depth - 1, Math.max(0, index));
    this.#say(this.wanted);
    this.under ??= this.#follow().finally(() => { this.under = null; });
    return this.under;
  }

  // As `go`, for a wish of the reader's: a slice that does not come is said, and can be asked for again.
  leaf(index) {
    this.go(index).then(() => this.#lost(false), () => {
      this.wanted = this.shown;
      this.#say(this.shown);
      this.#lost(true);
    });
  }

  step(by) { this.leaf(this.wanted + by); }

  // Where the mask is at a level: the count of the saved threshold, yes or no at any other.
  bar(level) {
    const path = one("[data-slice-bar]");
    if (!path) return;
    const { px, top } = this.config.bar;
    const most = Math.max(...px) || 1;
    path.setAttribute("d", top.map((highest, index) => {
      if (highest < level) return "";
      const tall = Math.max(LEAST, Math.round((HEIGHT * px[index]) / most));
      return `M${index} ${HEIGHT}v-${tall}h1v${tall}z`;
    }).join(""));
  }

  keys() {
    const far = Math.max(2, Math.round(this.config.depth / 10));
    return {
      ArrowUp: ["Previous slice", () => this.step(-1)],
      ArrowDown: ["Next slice", () => this.step(1)],
      PageUp: [`${far} slices back`, () => this.step(-far)],
      PageDown: [`${far} slices on`, () => this.step(far)],
      Home: ["First slice", () => this.leaf(0)],
      End: ["Last slice", () => this.leaf(this.config.depth - 1)],
    };
  }

  listen() {
    if (!this.slider) return;
    this.slider.addEventListener("input", () => this.leaf(Number(this.slider.value) - 1));
    one(".slicebar")?.addEventListener("click", (event) => {
      const box = event.currentTarget.getBoundingClientRect();
      this.leaf(Math.floor((this.config.depth * (event.clientX - box.left)) / box.width));
    });
    this.viewer.addEventListener("leaf", ({ detail }) => this.leaf(detail));
    let turned = 0;
    this.viewer.onslice = (delta) => {
      turned += delta;
      const notches = Math.trunc(turned / NOTCH);
      turned -= notches * NOTCH;
      if (notches) this.step(Math.sign(notches));
    };
    // another plane keeps the look that was chosen here
    document.querySelectorAll("[data-plane]").forEach((link) => link.addEventListener("click", () => {
      const form = new URLSearchParams(new FormData(one("[data-deck]")));
      form.set("t", this.viewer.state.threshold);
      form.set("window", `${this.viewer.state.center},${Math.max(1, this.viewer.state.width)}`);
      form.set("plane", link.dataset.plane);
      form.delete("slice");
      link.search = form;
    }));
  }

  async #follow() {
    while (this.shown !== this.wanted) {
      const index = this.wanted;
      const [image, levels, spread] = await this.#fetch(index);
      this.viewer.setImage(image.values, this.config.width, this.config.height, image.slope, image.intercept, image.exact);
      this.viewer.setLevels(levels);
      if (spread) this.viewer.setSpread(spread);
      this.shown = index;
    }
    for (let near = 1; near <= AHEAD && this.config.depth > 1; near += 1) {
      for (const index of [this.shown + near, this.shown - near]) {
        if (index >= 0 && index < this.config.depth) this.#fetch(index).catch(() => {}); // asked for again when it is wanted
      }
    }
    if (this.config.depth > 1) {
      const address = new URL(location);
      address.searchParams.set("plane", one("[name=plane]").value);
      address.searchParams.set("slice", this.shown + 1);
      history.replaceState(null, "", address);
    }
  }

  #fetch(index) {
    const { config, kept } = this;
    const found = kept.get(index) ?? Promise.all([imageSlice(config, index), mapSlice(config, config.map, index),
      config.spread && mapSlice(config, config.spread, index)]);
    kept.delete(index); // the last used one stands last
    kept.set(index, found);
    found.catch(() => kept.delete(index));
    if (kept.size > this.room) kept.delete(kept.keys().next().value);
    return found;
  }

  #lost(isSo) { one("[data-slice-lost]").hidden = !isSo; }

  #say(index) {
    if (!this.slider) return;
    this.slider.value = index + 1;
    const pixels = this.config.bar ? `, ${this.config.bar.px[index].toLocaleString()} px` : "";
    this.slider.setAttribute("aria-valuetext", `${index + 1} / ${this.config.depth}${pixels}`);
    document.querySelectorAll("[data-slice-number]").forEach((place) => { place.textContent = index + 1; });
    one("[data-slice-at]")?.setAttribute("d", `M${index + 0.5} 0v${HEIGHT}`);
  }
}
