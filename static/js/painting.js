// A mask in the making, slice by slice: what lies below, what was painted, the way back. Knows no page.
import { packed } from "./brush.js";
import { mapSlice } from "./viewer-data.js";

const MOST_UNDO = 40;
const MOST_KEPT = 64; // slices that nobody painted, in memory only

export class Painting {
  constructor(config) {
    const [high, wide] = config.pixel;
    const least = Math.min(high, wide);
    Object.assign(this, {
      config, masks: new Map(), below: new Map(), past: [], future: [], changed: new Set(),
      grid: { width: config.width, height: config.height, stretch: [wide / least, high / least] },
    });
  }

  // The mask of a slice, to be painted on in place.
  async open(index) {
    if (!this.masks.has(index)) {
      const levels = await mapSlice(this.config, this.config.mask, index);
      if (!this.masks.has(index)) this.masks.set(index, levels.map((level) => +(level >= this.config.level)));
    }
    this.#forget(index);
    return this.masks.get(index);
  }

  // Open several to be painted on together: however many they are, none is forgotten for another.
  async openAll(indices) {
    for (const index of indices) {
      const mask = await this.open(index);
      if (!this.below.has(index)) this.below.set(index, mask.slice());
    }
  }

  // Remember slices as they are, before they are painted on: one step back.
  keep(indices) {
    this.past.push(indices.map((index) => this.#copied(index)));
    if (this.past.length > MOST_UNDO) this.past.shift();
    this.future.length = 0;
  }

  undo() { return this.#turn(this.past, this.future); }

  redo() { return this.#turn(this.future, this.past); }

  // Say after painting on a slice whether it differs from what lay below.
  settle(index) {
    const [mask, below] = [this.masks.get(index), this.below.get(index)];
    if (below.every((value, i) => value === mask[i])) this.changed.delete(index);
    else this.changed.add(index);
  }

  put(index, mask) {
    this.masks.get(index).set(mask);
    this.settle(index);
  }

  // The painted slices on both sides of one: [before, after]; null where there are none with a gap between.
  around(index) {
    const painted = [...this.changed].sort((a, b) => a - b);
    const before = painted.filter((one) => one < index).at(-1);
    const after = painted.find((one) => one >= index);
    return before === undefined || after === undefined || after - before < 2 ? null : [before, after];
  }

  // What travels: the changed slices alone, one bit a pixel, each from a new byte on.
  parcel() {
    const slices = [...this.changed].sort((a, b) => a - b);
    return { slices, bits: new Blob(slices.map((index) => packed(this.masks.get(index)))) };
  }

  #copied(index) {
    const mask = this.masks.get(index).slice();
    if (!this.below.has(index)) this.below.set(index, mask);
    return [index, mask];
  }

  #turn(from, to) {
    const step = from.pop();
    if (!step) return null;
    to.push(step.map(([index]) => this.#copied(index)));
    for (const [index, mask] of step) this.put(index, mask);
    return step.at(-1)[0];
  }

  #forget(index) {
    const mask = this.masks.get(index);
    this.masks.delete(index); // the last used one stands last
    this.masks.set(index, mask);
    const idle = [...this.masks.keys()].filter((one) => !this.below.has(one) && one !== index);
    if (idle.length > MOST_KEPT) this.masks.delete(idle[0]);
  }
}
