// The magnifier: a square in a corner that shows what is under the pointer, or the middle of the view, from the true pixels.
const POWER = 2.5;
const MARGIN = 12; // px
const SVG = "http://www.w3.org/2000/svg";

export class Lens {
  constructor(viewer) {
    this.viewer = viewer;
    this.stage = viewer.canvas.parentElement;
    this.layer = this.stage.querySelector("[data-lens]");
    [this.looks, this.frame] = ["looks", "frame"].map((name) => {
      const square = document.createElementNS(SVG, "rect");
      square.setAttribute("class", name);
      this.layer.append(square);
      return square;
    });
    this.label = document.createElementNS(SVG, "text");
    this.label.textContent = `${POWER.toLocaleString(document.documentElement.lang)}×`;
    this.layer.append(this.label);
    this.on = false;
    viewer.canvas.addEventListener("pointermove", (event) => this.#follow(event));
    viewer.canvas.addEventListener("pointerdown", (event) => this.#follow(event));
    viewer.canvas.addEventListener("pointerleave", () => this.#follow(null));
    viewer.addEventListener("state", () => this.#place());
    new ResizeObserver(() => this.#place()).observe(viewer.canvas);
  }

  /** Turn it on or off; says which. */
  toggle() {
    this.on = !this.on;
    this.stage.classList.toggle("lensed", this.on);
    this.layer.toggleAttribute("hidden", !this.on);
    this.#place();
    this.viewer.draw();
    return this.on;
  }

  #follow(event) {
    if (!this.on) return;
    const box = this.viewer.canvas.getBoundingClientRect();
    this.pointer = event && [event.clientX - box.left, event.clientY - box.top];
    this.#place();
    this.viewer.draw();
  }

  #place() {
    const { viewer } = this;
    if (!this.on) {
      viewer.lens = null;
      return;
    }
    const { clientWidth: wide, clientHeight: high } = viewer.canvas;
    const side = Math.round(Math.min(230, 0.36 * Math.min(wide, high)));
    const box = viewer.canvas.getBoundingClientRect();
    const [x, y] = this.pointer ?? [wide / 2, high / 2];
    const [column, row] = viewer.placeAt(x + box.left, y + box.top);
    viewer.lens = { column, row, side, power: POWER, left: wide - side - MARGIN, bottom: MARGIN };
    this.#square(this.frame, wide - side - MARGIN, high - side - MARGIN, side);
    this.#square(this.looks, x - side / POWER / 2, y - side / POWER / 2, side / POWER);
    this.label.setAttribute("x", wide - side - MARGIN + 8);
    this.label.setAttribute("y", high - side - MARGIN + 18);
  }

  #square(rect, x, y, side) {
    for (const [name, value] of Object.entries({ x, y, width: side, height: side })) rect.setAttribute(name, value.toFixed(1));
  }
}
