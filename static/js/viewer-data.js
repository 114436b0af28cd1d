// Bytes from the server as what the viewer takes. A volume is sent slice by slice, as it is hung.
const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, int16: Int16Array, int32: Int32Array, float32: Float32Array };

async function slice(base, index, { depth, height, width }, Kind) {
  const url = depth > 1 ? `${base}${index + 1}/` : base;
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${answer.status} ${url}`);
  const values = new Kind(await answer.arrayBuffer());
  if (values.length !== height * width) throw new Error(`${values.length} values ${url}`);
  return values;
}

// 16-bit integers as they are (int16 moved up); wider types spread linearly over 65,536 steps.
function asUint16(raw, { dtype, slope, intercept, minimum, maximum }) {
  if (dtype === "uint8" || dtype === "uint16") return { values: Uint16Array.from(raw), slope, intercept };
  if (dtype === "int16") return { values: Uint16Array.from(raw, (value) => value + 32768), slope, intercept: intercept - 32768 * slope };
  const step = (maximum - minimum) / 65535 || 1;
  return { values: Uint16Array.from(raw, (value) => Math.round((value * slope + intercept - minimum) / step)), slope: step, intercept: minimum,
    exact: { raw, slope, intercept } }; // what is measured is never rounded
}

export async function imageSlice(config, index) {
  return asUint16(await slice(config.pixels, index, config, ARRAYS[config.dtype]), config);
}

export async function mapSlice(config, url, index) {
  return slice(url, index, config, Uint8Array);
}

export async function colourTables(url) {
  const packed = await (await fetch(url)).json();
  return Object.fromEntries(Object.entries(packed).filter(([, text]) => typeof text === "string").map(([name, text]) => [name, Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))]));
}
