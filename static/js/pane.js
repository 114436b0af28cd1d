// One picture among several: its viewer, its slices, its marks. Knows no other.
import { Viewer } from "./viewer.js";
import { imageSlice, mapSlice } from "./viewer-data.js";
import { boxes } from "./boxes.js";
import { marks } from "./viewer-marks.js";

const MOST_KEPT = 64; // slices, in memory only

export class Pane {
  constructor(root, own) {
    Object.assign(this, { root, own, kept: new Map(), shown: -1, wanted: own.slice, home: { center: own.center, width: own.windowWidth } });
    this.viewer = new Viewer(root.querySelector("canvas.main"), { keep: navigator.webdriver });
    if (Math.max(own.width, own.height) > this.viewer.limit) throw new Error("the picture is larger than this GPU's textures");
    const [height, width] = own.pixel;
    this.viewer.stretch = [width / Math.min(height, width), height / Math.min(height, width)];
    this.slider = root.querySelector("[data-slice]");
    marks(this.viewer, own, () => false, () => this.shown, root);
    this.mode = "off";
    if (own.boxes?.length) boxes(this.viewer, own, () => this.mode !== "off", () => this.shown, root);
    this.viewer.addEventListener("draw", () => {
      root.querySelector("[data-hud-window]").textContent = `WW ${Math.round(this.viewer.state.width)}  WL ${Math.round(this.viewer.state.center)}`;
      root.querySelector("[data-hud-zoom]").textContent = `Zoom ${Math.round(this.viewer.scale * 100)} %`;
    });
  }

  // Of many wishes that come while one is under way only the last is fetched.
  async go(index) {
    this.wanted = Math.min(this.own.depth - 1, Math.max(0, index));
    if (this.slider) {
      this.slider.value = this.wanted + 1;
      this.slider.setAttribute("aria-valuetext", `${this.wanted + 1} / ${this.own.depth}`);
      this.root.querySelector("[data-slice-number]").textContent = this.wanted + 1;
    }
    this.under ??= this.#follow().finally(() => { this.under = null; });
    return this.under;
  }

  async #follow() {
    while (this.shown !== this.wanted) {
      const index = this.wanted;
      const [image, levels, spread] = await this.#fetch(index);
      const { width, height } = this.own;
      this.viewer.setImage(image.values, width, height, image.slope, image.intercept, image.exact);
      this.viewer.setLevels(levels ?? new Uint8Array(width * height));
      if (spread) this.viewer.setSpread(spread);
      this.shown = index;
    }
  }

  #fetch(index) {
    const { own, kept } = this;
    const found = kept.get(index) ?? Promise.all([imageSlice(own, index), own.map && mapSlice(own, own.map, index), own.spread && mapSlice(own, own.spread, index)]);
    kept.set(index, found);
    found.catch(() => kept.delete(index)); // asked for again when it is wanted
    if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
    return found;
  }

  // A map of where models looked has no cut: of it there are colours alone. Boxes stand above whatever is shown.
  show(name, tables) {
    const has = { disagreement: this.own.spread, heat: this.own.map, boxes: false }[name] ?? (this.own.measured && this.own.map);
    this.mode = name;
    const palette = document.querySelector("#cm")?.value ?? "redgreen"; // where nothing has colours there are none to choose
    this.viewer.setTable(tables[name === "disagreement" && palette === "redgreen" ? "magma" : palette]);
    this.viewer.set({ mode: has ? name : "off", ...(this.own.measured ? {} : { threshold: 1.01 }) });
  }
}
