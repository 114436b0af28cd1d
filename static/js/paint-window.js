// The window of the picture below the brush: by drag as in the viewer, by arrow, by preset.
const one = (selector) => document.querySelector(selector);

export class Windowing {
  constructor(pictures, slice) {
    Object.assign(this, { pictures, slice, from: null });
    one("[data-window]").addEventListener("change", ({ target }) => {
      this.#look(...target.value.split(",").map(Number));
    });
    this.#tell();
  }

  get isOn() { return one("[name=tool]:checked").value === "window"; }

  begin({ clientX, clientY }) {
    const { center, width } = this.pictures;
    this.from = { x: clientX, y: clientY, center, width };
  }

  drag({ clientX, clientY }) {
    if (this.from) this.by(clientX - this.from.x, clientY - this.from.y, this.from);
  }

  end() { this.from = null; }

  // To the side the width, up and down the level.
  by(dx, dy, { center, width } = this.pictures) {
    const seen = [center + (dy * width) / 400, Math.max(1, width * Math.exp(dx / 250))];
    one("[data-by-hand]").selected = true;
    this.#look(...seen.map((value) => Number(value.toPrecision(6))));
  }

  #look(center, width) {
    this.pictures.look(center, width, this.slice());
    this.#tell();
  }

  #tell() {
    const [width, center] = [this.pictures.width, this.pictures.center].map((value) => value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 }));
    one("[data-window-text]").textContent = `WW ${width}  WL ${center}`;
  }
}
