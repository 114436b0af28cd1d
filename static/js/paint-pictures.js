// The picture below the brush: the server's, one slice after the other, with its neighbours fetched ahead.
const AHEAD = 2;
const MOST = 48;

export class Pictures {
  constructor(config, sheet) {
    Object.assign(this, { config, sheet, kept: new Map(), under: null });
    [this.center, this.width] = config.window;
  }

  async show(index) {
    const picture = await this.#fetch(index);
    this.sheet.querySelector("img").replaceWith(picture);
  }

  ahead(index) {
    for (let near = 1; near <= AHEAD; near += 1) {
      for (const other of [index + near, index - near]) {
        if (other >= 0 && other < this.config.depth) this.#fetch(other).catch(() => {}); // asked for again when it is wanted
      }
    }
  }

  // Another window for all that is shown from now on; of many wishes while one is under way the last is drawn.
  look(center, width, index) {
    Object.assign(this, { center, width, wanted: index });
    this.under ??= this.#follow().finally(() => { this.under = null; });
  }

  async #follow() {
    for (let drawn = null; drawn !== this.#window;) {
      drawn = this.#window;
      this.kept.clear();
      await this.show(this.wanted).catch(() => {}); // the picture of before stays
    }
  }

  get #window() { return `${this.center},${this.width}`; }

  #fetch(index) {
    const found = this.kept.get(index) ?? this.#loaded(index);
    this.kept.delete(index); // the last used one stands last
    this.kept.set(index, found);
    found.catch(() => this.kept.delete(index));
    if (this.kept.size > MOST) this.kept.delete(this.kept.keys().next().value);
    return found;
  }

  async #loaded(index) {
    const picture = new Image();
    const query = new URLSearchParams({ plane: this.config.plane, slice: index + 1, window: this.#window });
    picture.alt = "";
    picture.src = `${this.config.picture}?${query}`;
    await picture.decode();
    return picture;
  }
}
