// Bytes from the server as what the viewer takes: one slice is one Range of the raw array.
const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

async function slice(url, length, index, depth) {
  const headers = depth > 1 ? { Range: `bytes=${index * length}-${(index + 1) * length - 1}` } : {};
  const answer = await fetch(url, { headers });
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  return answer.arrayBuffer();
}

// 16-bit integers as they are (int16 moved up); wider types spread linearly over 65,536 steps.
function asUint16(raw, { dtype, slope, intercept, minimum, maximum }) {
  if (dtype === "uint8" || dtype === "uint16") return { values: Uint16Array.from(raw), slope, intercept };
  if (dtype === "int16") return { values: Uint16Array.from(raw, (value) => value + 32768), slope, intercept: intercept - 32768 * slope };
  const step = (maximum - minimum) / 65535 || 1;
  return { values: Uint16Array.from(raw, (value) => Math.round((value * slope + intercept - minimum) / step)), slope: step, intercept: minimum };
}

export async function imageSlice(config, index) {
  const Kind = ARRAYS[config.dtype];
  const buffer = await slice(config.pixels, config.width * config.height * Kind.BYTES_PER_ELEMENT, index, config.depth);
  return asUint16(new Kind(buffer), config);
}

export async function mapSlice(config, url, index) {
  return new Uint8Array(await slice(url, config.width * config.height, index, config.depth));
}

export async function colourTables(url) {
  const packed = await (await fetch(url)).json();
  return Object.fromEntries(Object.entries(packed).filter(([, text]) => typeof text === "string").map(([name, text]) => [name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]));
}
