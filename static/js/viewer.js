// The 2-D viewer: one WebGL2 program, no page knowledge. Stored values go up as integers and are
// windowed on the GPU, so nothing is lost before window and level.
const VERTEX = `#version 300 es
in vec2 corner; out vec2 place; uniform vec4 frame;
void main() {
  place = vec2(corner.x * .5 + .5, .5 - corner.y * .5);
  gl_Position = vec4(corner * frame.xy + frame.zw, 0, 1);
}`;

// The mask is decided on the stored integer, never on an interpolated float: browser and server agree exactly.
const FRAGMENT = `#version 300 es
precision highp float; precision highp int; precision highp usampler2D;
in vec2 place; out vec4 colour;
uniform usampler2D image, levels; uniform sampler2D heat, spread, table;
uniform vec2 size; uniform vec2 reach; uniform mat2 unturned; uniform float center, width, inverted, opacity, mode, outlined, slope, intercept;
uniform int level;
ivec2 inside(ivec2 at) { return clamp(at, ivec2(0), ivec2(size) - 1); }
float value(ivec2 at) { return float(texelFetch(image, inside(at), 0).r) * slope + intercept; }
float smoothed(vec2 uv) {
  vec2 at = uv * size - .5; vec2 part = fract(at); ivec2 base = ivec2(floor(at));
  return mix(mix(value(base), value(base + ivec2(1, 0)), part.x),
             mix(value(base + ivec2(0, 1)), value(base + ivec2(1, 1)), part.x), part.y);
}
float windowed(float x) {  // DICOM PS3.3 C.11.2.1.2.1
  if (width <= 1.) return x > center - .5 ? 1. : 0.;
  return clamp((x - (center - .5)) / (width - 1.) + .5, 0., 1.);
}
void main() {
  vec2 uv = unturned * (place - .5) + .5;
  float grey = windowed(smoothed(uv)); if (inverted > .5) grey = 1. - grey;
  vec3 shown = vec3(grey);
  bool marked = int(texelFetch(levels, inside(ivec2(floor(uv * size))), 0).r) >= level;
  if (mode == 1.) { float p = texture(heat, uv).r; shown = mix(shown, texture(table, vec2(p, .5)).rgb, opacity * smoothstep(.10, .24, p)); }
  else if (mode == 2.) shown = vec3(marked ? 1. : 0.);
  else if (mode == 3.) { float s = texture(spread, uv).r; shown = mix(shown, texture(table, vec2(s, .5)).rgb, opacity * smoothstep(.06, .18, s)); }
  if (outlined > .5) {
    float cut = (float(level) - .5) / 255., low = 1., high = 0.;
    for (int i = -1; i <= 1; i++) for (int j = -1; j <= 1; j++) {
      float p = texture(heat, uv + vec2(i, j) * reach / size).r; low = min(low, p); high = max(high, p);
    }
    if (low < cut && high >= cut) shown = vec3(1., .84, .25);
  }
  colour = vec4(shown, 1);
}`;

const UNIFORMS = ["frame", "size", "center", "width", "inverted", "opacity", "mode", "outlined", "unturned", "slope", "intercept", "reach", "level"];
const SAMPLERS = ["image", "levels", "heat", "spread", "table"];
export const MODES = { off: 0, heat: 1, mask: 2, disagreement: 3, outline: 0 };

// In the mask if and only if the stored level reaches this integer (MEASURES §3).
export const thresholdLevel = (t) => Math.max(1, Math.ceil(255 * t - 1e-9));

export class Viewer extends EventTarget {
  constructor(canvas, { keep = false } = {}) {
    super();
    this.canvas = canvas;
    this.gl = canvas.getContext("webgl2", { alpha: false, antialias: false, preserveDrawingBuffer: keep });
    if (!this.gl) throw new Error("no WebGL2");
    this.state = { center: 128, width: 256, inverted: false, opacity: 0.55, threshold: 0.5, mode: "heat", flipped: false, turns: 0, zoom: 1, x: 0, y: 0 };
    this.tool = "window";
    this.tools = {}; // by name: what hears a drag in pixels of the image, {down, move, up}
    this.lens = null; // where a magnifier looks and stands: {column, row, left, bottom, side, power}
    this.stretch = [1, 1]; // how wide and high a pixel is drawn: oblong ones keep their shape
    this.#build();
    new ResizeObserver(() => this.draw()).observe(canvas);
    this.#listen();
  }

  get limit() { return this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE); }

  // values: Uint16Array; real value = stored * slope + intercept
  // exact: what was stored, where `values` had to be rounded to fit: {raw, slope, intercept}
  setImage(values, width, height, slope, intercept, exact = null) {
    const { gl } = this;
    Object.assign(this, { values, columns: width, rows: height, slope, intercept, exact });
    this.#texture("image", gl.R16UI, gl.RED_INTEGER, gl.UNSIGNED_SHORT, values, width, height);
    this.draw();
  }

  setLevels(levels) {
    const { gl } = this;
    this.levels = levels;
    this.#texture("levels", gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE, levels, this.columns, this.rows);
    this.#texture("heat", gl.R8, gl.RED, gl.UNSIGNED_BYTE, levels, this.columns, this.rows);
    this.draw();
  }

  setSpread(levels) {
    const { gl } = this;
    this.#texture("spread", gl.R8, gl.RED, gl.UNSIGNED_BYTE, levels, this.columns, this.rows);
    this.draw();
  }

  setTable(rgb) {
    const { gl } = this;
    const rgba = new Uint8Array(1024).fill(255);
    for (let i = 0; i < 256; i += 1) rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    this.#texture("table", gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, rgba, 256, 1);
    this.draw();
  }

  set(change) {
    Object.assign(this.state, change);
    this.draw();
    this.dispatchEvent(new Event("state"));
  }

  count(threshold) {
    const cut = thresholdLevel(threshold);
    return this.levels.reduce((sum, level) => sum + (level >= cut), 0);
  }

  // The real value of a pixel, as the file has it.
  real(index) {
    const { raw, slope, intercept } = this.exact ?? { raw: this.values, slope: this.slope, intercept: this.intercept };
    return raw[index] * slope + intercept;
  }

  // From the image's axes to the screen's: first mirrored, then turned clockwise by quarters. [a, b, c, d] by columns.
  get turn() {
    const [cos, sin] = [[1, 0], [0, 1], [-1, 0], [0, -1]][this.state.turns];
    const side = this.state.flipped ? -1 : 1;
    return [side * cos, side * sin, -sin, cos];
  }

  // Mirrored as one sees it, whichever way it is turned.
  flip(upright = false) {
    const { turns, flipped } = this.state;
    this.set({ flipped: !flipped, turns: ((upright ? 6 : 4) - turns) % 4 });
  }

  rotate() {
    const { turns, x, y } = this.state;
    this.set({ turns: (turns + 1) % 4, x: -y, y: x });
  }

  #extent() { // of the picture at scale 1, as it is turned
    const sides = [this.columns * this.stretch[0], this.rows * this.stretch[1]];
    return this.state.turns % 2 ? sides.reverse() : sides;
  }

  fit() {
    const { width, height } = this.#pixels();
    const [wide, high] = this.#extent();
    return Math.min(width / wide, height / high);
  }

  get scale() { return (this.fit() * this.state.zoom) / devicePixelRatio; }

  // The place in the image under a place on the screen, not rounded.
  placeAt(x, y) {
    const box = this.canvas.getBoundingClientRect();
    const [a, b, c, d] = this.turn;
    const [dx, dy] = [x - box.left - box.width / 2 - this.state.x, y - box.top - box.height / 2 - this.state.y];
    return [(a * dx + b * dy) / this.scale / this.stretch[0] + this.columns / 2,
      (c * dx + d * dy) / this.scale / this.stretch[1] + this.rows / 2];
  }

  toImage(x, y) { return this.placeAt(x, y).map(Math.floor); }

  #away(column, row) {
    const [a, b, c, d] = this.turn;
    const across = (column - this.columns / 2) * this.scale * this.stretch[0];
    const down = (row - this.rows / 2) * this.scale * this.stretch[1];
    return [a * across + c * down, b * across + d * down];
  }

  toScreen(column, row) {
    const [x, y] = this.#away(column, row);
    return [x + this.canvas.clientWidth / 2 + this.state.x, y + this.canvas.clientHeight / 2 + this.state.y];
  }

  centreOn(column, row, zoom) {
    this.state.zoom = zoom;
    const [x, y] = this.#away(column, row);
    this.set({ x: -x, y: -y });
  }

  zoomBy(factor, x, y) {
    const box = this.canvas.getBoundingClientRect();
    const dx = (x ?? box.left + box.width / 2) - box.left - box.width / 2;
    const dy = (y ?? box.top + box.height / 2) - box.top - box.height / 2;
    const zoom = Math.min(32, Math.max(0.25, this.state.zoom * factor));
    const ratio = zoom / this.state.zoom;
    this.set({ zoom, x: dx - (dx - this.state.x) * ratio, y: dy - (dy - this.state.y) * ratio });
  }

  draw() {
    if (this.waiting || !this.columns) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.#paint();
      this.dispatchEvent(new Event("draw"));
    });
  }

  #paint() {
    const { gl, state, at, canvas } = this;
    const { width, height } = this.#pixels();
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(at.size, this.columns, this.rows);
    const [a, b, c, d] = this.turn;
    gl.uniformMatrix2fv(at.unturned, false, [a, c, b, d]); // the way back
    const numbers = {
      center: state.center, width: state.width, inverted: +state.inverted, opacity: state.opacity, mode: MODES[state.mode],
      outlined: +(state.mode === "heat" || state.mode === "outline"), slope: this.slope, intercept: this.intercept,
    };
    for (const [name, number] of Object.entries(numbers)) gl.uniform1f(at[name], number);
    gl.uniform1i(at.level, thresholdLevel(state.threshold));
    this.#frame(this.fit() * state.zoom, state.x, state.y);
    if (this.lens) this.#magnify(this.lens);
  }

  // Draws the picture at a scale, its middle moved from that of the canvas; all in CSS pixels but the scale.
  #frame(scale, x, y) {
    const { gl, at, canvas } = this;
    const [wide, high] = this.#extent();
    gl.uniform4f(at.frame, (wide * scale) / canvas.width, (high * scale) / canvas.height, (2 * x * devicePixelRatio) / canvas.width, (-2 * y * devicePixelRatio) / canvas.height);
    gl.uniform2f(at.reach, ...this.stretch.map((side) => 1.3 / scale / side));
    gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
  }

  // The same picture once more, larger, in a square of the canvas: the true pixels, not those of the screen.
  #magnify({ column, row, left, bottom, side, power }) {
    const { gl, canvas } = this;
    gl.enable(gl.SCISSOR_TEST);
    gl.scissor(...[left, bottom, side, side].map((length) => Math.round(length * devicePixelRatio)));
    gl.clear(gl.COLOR_BUFFER_BIT);
    const [x, y] = this.#away(column, row);
    this.#frame(this.fit() * this.state.zoom * power, left + side / 2 - canvas.clientWidth / 2 - x * power, canvas.clientHeight / 2 - bottom - side / 2 - y * power);
    gl.disable(gl.SCISSOR_TEST);
  }

  #pixels() {
    return { width: Math.max(1, Math.floor(this.canvas.clientWidth * devicePixelRatio)), height: Math.max(1, Math.floor(this.canvas.clientHeight * devicePixelRatio)) };
  }

  #build() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.at = Object.fromEntries(UNIFORMS.map((name) => [name, gl.getUniformLocation(program, name)]));
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([-1, -1, 1, -1, -1, 1, 1, 1]), gl.STATIC_DRAW);
    const corner = gl.getAttribLocation(program, "corner");
    gl.enableVertexAttribArray(corner);
    gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
    this.textures = {};
    SAMPLERS.forEach((name, unit) => {
      this.textures[name] = { unit, texture: gl.createTexture() };
      gl.uniform1i(gl.getUniformLocation(program, name), unit);
    });
    const empty = new Uint8Array([0]);
    this.#texture("image", gl.R16UI, gl.RED_INTEGER, gl.UNSIGNED_SHORT, new Uint16Array(1), 1, 1);
    this.#texture("levels", gl.R8UI, gl.RED_INTEGER, gl.UNSIGNED_BYTE, empty, 1, 1);
    for (const name of ["heat", "spread", "table"]) this.#texture(name, gl.R8, gl.RED, gl.UNSIGNED_BYTE, empty, 1, 1);
  }

  #texture(name, inner, format, type, data, width, height) {
    const { gl } = this;
    const { unit, texture } = this.textures[name];
    const filter = name === "image" || name === "levels" ? gl.NEAREST : gl.LINEAR;
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, texture);
    for (const side of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, side, gl.CLAMP_TO_EDGE);
    for (const way of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, way, filter);
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
    gl.texImage2D(gl.TEXTURE_2D, 0, inner, width, height, 0, format, type, data);
  }

  #listen() {
    const { canvas } = this;
    let drag = null;
    const fingers = new Map();
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size > 1) { // two fingers move and zoom, whatever the tool
        if (drag?.own) drag.own.cancel?.();
        drag = null;
        return;
      }
      const tool = event.button === 1 || (event.shiftKey && !this.tools[this.tool]) ? "pan" : event.button === 2 ? "zoom" : this.tool;
      drag = { x: event.clientX, y: event.clientY, own: this.columns && this.tools[tool], tool, from: { ...this.state } };
      drag.own?.down(this.placeAt(event.clientX, event.clientY), event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (this.columns) this.dispatchEvent(new CustomEvent("probe", { detail: this.toImage(event.clientX, event.clientY) }));
      if (fingers.size > 1 && fingers.has(event.pointerId)) this.#pinch(fingers, event);
      else if (drag) this.#drag(drag, event);
      else this.tools[this.tool]?.move?.(this.placeAt(event.clientX, event.clientY), event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => {
        fingers.delete(event.pointerId);
        if (drag?.own) drag.own[end === "pointerup" ? "up" : "cancel"]?.(this.placeAt(event.clientX, event.clientY), event);
        drag = null;
      });
    }
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.onslice && !event.ctrlKey) this.onslice(event.deltaMode ? Math.sign(event.deltaY) * 40 : event.deltaY);
      else this.zoomBy(event.deltaY < 0 ? 1.12 : 1 / 1.12, event.clientX, event.clientY);
    }, { passive: false });
  }

  #drag({ x, y, own, tool, from }, event) {
    const [dx, dy] = [event.clientX - x, event.clientY - y];
    if (own) own.move(this.placeAt(event.clientX, event.clientY), event);
    else if (tool === "pan") this.set({ x: from.x + dx, y: from.y + dy });
    else if (tool === "zoom") this.set({ zoom: Math.min(32, Math.max(0.25, from.zoom * Math.exp(-dy / 150))) });
    else this.set({ width: Math.max(1, from.width * Math.exp(dx / 250)), center: from.center + (dy * from.width) / 400 });
  }

  #pinch(fingers, event) {
    const spread = () => {
      const [[ax, ay], [bx, by]] = fingers.values();
      return { apart: Math.hypot(bx - ax, by - ay) || 1, x: (ax + bx) / 2, y: (ay + by) / 2 };
    };
    const before = spread();
    fingers.set(event.pointerId, [event.clientX, event.clientY]);
    const after = spread();
    this.set({ x: this.state.x + after.x - before.x, y: this.state.y + after.y - before.y });
    this.zoomBy(after.apart / before.apart, after.x, after.y);
  }
}
