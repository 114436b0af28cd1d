// Measuring by hand: value, length, angle, ellipse and rectangle, from the stored values. Kept in this page alone.
import { describe, roi } from "./measure-values.js";

const SVG = "http://www.w3.org/2000/svg";
const POINTS = { probe: 1, length: 2, angle: 3, ellipse: 2, rectangle: 2 };
const GRIP = 14; // px around an end that take hold of it
const CLICK = 4; // px: a shorter drag is a click, and the next click sets the next point
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const one = (selector) => document.querySelector(selector);

function made(name, attributes, parent) {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  parent.append(element);
  return element;
}

export class Measures {
  constructor(viewer, config, slice, done) {
    Object.assign(this, { viewer, config, slice, done, list: [], past: [], count: 0, draft: null, cursor: null, now: null });
    this.layer = one("[data-measure-layer]");
    this.panel = one("[data-measures]");
    this.words = this.panel.dataset;
    for (const kind of Object.keys(POINTS)) {
      viewer.tools[kind] = { down: (at) => this.#down(at), move: (at) => this.#move(at), up: (at) => this.#up(at), cancel: () => this.#drop() };
    }
    viewer.addEventListener("draw", () => this.#draw());
    one("[data-undo-measure]").addEventListener("click", () => this.undo());
    one("[data-keep-measures]")?.addEventListener("click", () => this.#keep());
  }

  /** Another tool was chosen; of ours, its use is said. */
  chosen(kind) {
    this.#drop();
    this.kind = kind in POINTS ? kind : null;
    this.cursor = null;
    this.#say(this.kind ? this.words.how : "");
  }

  undo() {
    if (this.draft) return this.#drop();
    if (!this.past.length) return undefined;
    this.list = this.past.pop();
    this.now = null;
    this.#say(this.words.undone);
    return this.#list();
  }

  /** Arrows move a cross, Enter sets a point, Escape ends, Delete takes the chosen one away. */
  key(event) {
    if ((event.key === "Delete" || event.key === "Backspace") && this.now !== null) {
      this.#remove(this.now);
      return this.#heard(event);
    }
    if (!this.kind) return false;
    const step = STEPS[event.key];
    if (step) {
      const far = event.shiftKey ? 10 : 1;
      const [column, row] = this.cursor ?? this.#middle();
      this.cursor = this.#inside([column + step[0] * far, row + step[1] * far]);
      if (this.draft) this.draft.loose = this.cursor;
      this.#say(`x ${Math.floor(this.cursor[0])}, y ${Math.floor(this.cursor[1])}`);
    } else if (event.key === "Enter") {
      this.cursor ??= this.#middle();
      this.#set(this.cursor);
    } else if (event.key === "Escape") {
      if (this.draft) this.#drop();
      else this.done();
    } else return false;
    return this.#heard(event);
  }

  #heard(event) {
    event.preventDefault();
    this.viewer.draw();
    return true;
  }

  #middle() { // of the view, on the middle of a pixel
    const box = this.viewer.canvas.getBoundingClientRect();
    const at = this.viewer.toImage(box.left + box.width / 2, box.top + box.height / 2);
    return this.#inside(at.map((whole) => whole + 0.5));
  }

  #inside([column, row]) {
    return [Math.min(this.config.width, Math.max(0, column)), Math.min(this.config.height, Math.max(0, row))];
  }

  #shown() { return this.list.filter((measure) => measure.slice === this.slice()); }

  #down(at) {
    this.cursor = null;
    this.pressed = at;
    if (!this.draft) this.held = this.#grip(at);
    if (this.held) this.past.push(this.list);
    else if (this.draft) this.draft.loose = this.#inside(at);
    else this.#set(this.#inside(at));
  }

  #grip(at) {
    for (const measure of this.#shown()) {
      const end = measure.points.findIndex((point) => this.#apart(point, at) <= GRIP);
      if (end >= 0) return { id: measure.id, end };
    }
    return null;
  }

  #apart(from, to) {
    const [[ax, ay], [bx, by]] = [this.viewer.toScreen(...from), this.viewer.toScreen(...to)];
    return Math.hypot(bx - ax, by - ay);
  }

  #move(at) {
    if (this.held) this.#shift(this.#inside(at));
    else if (this.draft) this.draft.loose = this.#inside(at);
    else return;
    this.viewer.draw();
  }

  #shift(at) {
    const { id, end } = this.held;
    this.list = this.list.map((measure) => (measure.id === id ? { ...measure, points: measure.points.map((point, index) => (index === end ? at : point)) } : measure));
    this.now = id;
  }

  #up(at) {
    if (this.held) {
      this.held = null;
      this.#list();
      this.#tell(this.now);
    } else if (this.draft && (this.#apart(this.pressed, at) > CLICK || this.draft.waits)) this.#set(this.#inside(at));
    else if (this.draft) this.draft.waits = true; // it was a click
    this.viewer.draw();
  }

  #set(point) {
    this.draft ??= { kind: this.kind, points: [], waits: false };
    this.draft.points.push(point);
    this.draft.loose = point;
    if (this.draft.points.length < POINTS[this.draft.kind]) return;
    const { kind, points } = this.draft;
    this.draft = null;
    this.count += 1;
    this.past.push(this.list);
    this.list = [...this.list, { id: this.count, kind, points, slice: this.slice() }];
    this.now = this.count;
    this.#list();
    this.#tell(this.now);
  }

  #drop() {
    if (this.held) this.list = this.past.pop();
    this.draft = null;
    this.held = null;
    this.viewer.draw();
  }

  #remove(id) {
    this.past.push(this.list);
    this.list = this.list.filter((measure) => measure.id !== id);
    this.now = null;
    this.#say(this.words.removed);
    this.#list();
  }

  #name({ id, kind }) { return `${this.words[`name${kind[0].toUpperCase()}${kind.slice(1)}`]} ${id}`; }

  #tell(id) {
    const measure = this.list.find((other) => other.id === id);
    this.#say(`${this.#name(measure)}: ${this.#lines(measure).join(", ")}`);
  }

  #lines(measure) { return measure.slice === this.slice() ? (measure.lines = describe(this.viewer, this.config, measure, this.words)) : measure.lines; }

  #say(text) {
    const place = one("[data-measure-say]");
    place.textContent = text;
    place.hidden = !text;
  }

  #list() {
    this.panel.hidden = !this.list.length && !this.past.length;
    one("[data-undo-measure]").disabled = !this.past.length;
    const rows = this.list.map((measure) => {
      const row = one("[data-measure-row]").content.cloneNode(true).firstElementChild;
      const [find, value, remove] = [...row.querySelectorAll("button, td")].filter((part) => part.matches("[data-find], [data-value], [data-drop]"));
      find.textContent = this.#name(measure);
      value.replaceChildren(...this.#lines(measure).flatMap((line) => [document.createTextNode(line), document.createElement("br")]));
      remove.setAttribute("aria-label", `${this.words.take} ${this.#name(measure)}`);
      find.addEventListener("click", () => this.#find(measure));
      remove.addEventListener("click", () => this.#remove(measure.id));
      return row;
    });
    one("[data-measure-list]").replaceChildren(...rows);
    const keep = one("[data-keep-measures]");
    if (keep) keep.disabled = !this.list.length;
    this.viewer.draw();
  }

  #find({ id, slice }) {
    this.now = id;
    this.viewer.dispatchEvent(new CustomEvent("leaf", { detail: slice }));
    this.viewer.draw();
  }

  // Into the comment of the decision, where the reader may change the words; nothing else keeps them.
  #keep() {
    const { comment, text: impression } = one("[data-review]").elements;
    const field = comment ?? impression; // before a result is sent there are words of another name
    const text = this.list.map((measure) => `${this.#name(measure)}: ${this.#lines(measure).join(", ")}.`).join("\n");
    field.value += `${field.value && !field.value.endsWith("\n") ? "\n" : ""}${text}`;
    field.focus();
  }

  #draw() {
    this.layer.replaceChildren();
    for (const measure of this.#shown()) this.#shape(measure, this.#lines(measure)[0]);
    if (this.draft) {
      const points = [...this.draft.points, this.draft.loose].slice(0, POINTS[this.draft.kind]);
      const measure = { kind: this.draft.kind, points };
      this.#shape(measure, points.length === POINTS[measure.kind] ? describe(this.viewer, this.config, measure, this.words)[0] : "");
    }
    if (this.cursor && this.kind) {
      const [x, y] = this.viewer.toScreen(...this.cursor);
      made("path", { class: "cross", d: `M${x - 12} ${y}h24M${x} ${y - 12}v24` }, this.layer);
    }
  }

  #shape({ id, kind, points }, text) {
    const group = made("g", { class: id !== undefined && id === this.now ? "chosen" : "" }, this.layer);
    const ends = points.map((point) => this.viewer.toScreen(...point));
    if (kind === "length" || kind === "angle") made("path", { d: `M${ends.map((end) => end.join(" ")).join("L")}` }, group);
    if ((kind === "ellipse" || kind === "rectangle") && ends.length > 1) {
      const [[ax, ay], [bx, by]] = ends;
      const [x, y, width, height] = [Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay)];
      if (kind === "rectangle") made("rect", { x, y, width, height }, group);
      else made("ellipse", { cx: x + width / 2, cy: y + height / 2, rx: width / 2, ry: height / 2 }, group);
    }
    for (const [x, y] of ends) made("circle", { cx: x, cy: y, r: 4 }, group);
    const [x, y] = ends.at(-1);
    const label = made("text", { x: x + 10, y: y - 8 }, group);
    label.textContent = `${id ?? ""} ${text}`.trim();
    const over = x + 10 + label.getComputedTextLength() - this.viewer.canvas.clientWidth;
    if (over > 0) label.setAttribute("x", x + 6 - over);
  }

  /** The numbers behind an area, for whoever checks them. */
  numbers(id) {
    const { kind, points } = this.list.find((measure) => measure.id === id);
    return roi(this.viewer, kind, points);
  }
}
