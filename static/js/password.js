// How well a new password withstands guessing: accounts/passwords/guessing.py, line by line, from the same table.
// The server decides; this only says so earlier.
const DIGIT = Math.log2(10), LOWER = Math.log2(26), UPPER = Math.log2(52), SIGN = Math.log2(33), OTHER = 7;
const CONTEXT = 1, OWN = 2, DATE = 4, YEAR = 5, WALK = 4, AGAIN = 1, EARLIER = 3, VARIED = 1;
const SHORTEST = 3, SHOWN = 2, PAUSE_MS = 250;
const KINDS = ["context", "own", "common", "date", "keys", "repeat"];

/** Make the table of passwords.json quick to search. */
export function prepare(raw) {
  const common = raw.common.split("\n");
  const words = new Map(raw.own.map((word) => [word, [OWN, "own"]]));
  for (const word of raw.dates) words.set(word, [DATE, "date"]);
  const backwards = (keys) => Array.from(keys).reverse().join("");
  return {
    ...raw,
    words,
    walks: [...raw.keys, ...raw.keys.map(backwards)].join("\n"),
    ranks: new Map(common.map((word, index) => [word, index + 1])),
    longest: Math.max(...common.map((word) => Array.from(word).length)),
  };
}

function lower(sign) {
  const low = sign.toLowerCase();
  return Array.from(low).length === 1 ? low : sign;
}

function parts(texts) {
  const found = new Set();
  for (const text of texts) {
    const low = Array.from(text.normalize("NFKC"), lower).join("");
    for (const word of low.split(/[^\p{L}\p{N}]+/u)) if (Array.from(word).length >= SHORTEST) found.add(word);
  }
  return found;
}

function alone(sign) {
  if (sign.codePointAt(0) > 127) return OTHER;
  if (/[0-9]/.test(sign)) return DIGIT;
  if (/[a-z]/.test(sign)) return LOWER;
  return /[A-Z]/.test(sign) ? UPPER : SIGN;
}

function* pieces(table, words, signs, low, plain, start) {
  yield [1, alone(signs[start]), "plain"];
  const rest = low.length - start;
  const cut = (list, from, size) => list.slice(from, from + size).join("");
  for (let size = SHORTEST; size <= Math.min(rest, Math.max(table.longest, 40)); size++) {
    for (const text of [cut(low, start, size), cut(plain, start, size)]) {
      const extra = text === cut(signs, start, size) ? 0 : VARIED;
      const rank = table.ranks.get(text);
      if (rank) yield [size, Math.log2(rank + 1) + extra, "common"];
      const word = words.get(text);
      if (word) yield [size, word[0] + extra, word[1]];
    }
  }
  if (/^(19|20)[0-9]{2}$/.test(cut(low, start, 4))) yield [4, YEAR, "date"];
  for (let size = SHORTEST; size <= rest && table.walks.includes(cut(low, start, size)); size++) {
    yield [size, WALK + Math.log2(size), "keys"];
  }
  for (let size = 1; size <= Math.min(rest, start); size++) {
    if (cut(low, start - size, size) === cut(low, start, size)) yield [size, AGAIN, "repeat"];
  }
  const before = cut(low, 0, start);
  for (let size = SHORTEST; size <= Math.min(rest, start) && before.includes(cut(low, start, size)); size++) {
    yield [size, EARLIER, "repeat"];
  }
}

/** Return the bits, the level 0 to 4 and how many signs each weakness covers. */
export function estimate(password, about, table) {
  const signs = Array.from(Array.from(password).slice(0, table.max).join("").normalize("NFKC"));
  const low = signs.map(lower);
  const plain = low.map((sign) => table.leet[sign] ?? sign);
  const words = new Map(table.words);
  for (const word of parts(about)) words.set(word, [CONTEXT, "context"]);
  const best = [[0, 0, ""], ...low.map(() => [Infinity, 0, ""])];
  for (let start = 0; start < low.length; start++) {
    for (const [size, bits, kind] of pieces(table, words, signs, low, plain, start)) {
      const total = best[start][0] + bits;
      if (total < best[start + size][0]) best[start + size] = [total, size, kind];
    }
  }
  const covered = {};
  for (let end = low.length; end > 0; end -= best[end][1]) {
    covered[best[end][2]] = (covered[best[end][2]] ?? 0) + best[end][1];
  }
  const bits = best.at(-1)[0];
  return { bits, level: table.levels.filter((limit) => bits >= limit).length, covered };
}

/** Return why the server will refuse the password, as codes. */
export function reasons(password, about, table) {
  const found = [];
  const length = Array.from(password).length;
  if (length < table.min) found.push("short");
  if (length > table.max) found.push("long");
  const guess = estimate(password, about, table);
  if (guess.level >= table.refusedBelow) return found;
  const madeOf = KINDS.filter((kind) => (guess.covered[kind] ?? 0) > 1);
  madeOf.sort((one, other) => guess.covered[other] - guess.covered[one]);
  if (madeOf.length) return found.concat(madeOf.slice(0, SHOWN));
  return found.concat(/^[0-9]+$/.test(password) ? "digits" : "weak");
}

function show(meter, input, table) {
  const about = [...meter.querySelectorAll("[data-about]")].map((text) => text.value);
  for (const name of ["email", "name"]) {
    const typed = input.form?.elements.namedItem(name)?.value;
    if (typed) about.push(typed);
  }
  const found = reasons(input.value, about, table);
  const isShort = found.includes("short") || found.includes("long");
  const level = Math.min(estimate(input.value, about, table).level, isShort ? 1 : 4);
  meter.querySelector("meter").value = input.value ? Math.max(level, 0.4) : 0; // a little red is seen
  for (const word of meter.querySelectorAll("[data-level]")) {
    word.hidden = !input.value || Number(word.dataset.level) !== level;
  }
  for (const reason of meter.querySelectorAll("[data-reason]")) {
    reason.hidden = !input.value || !found.includes(reason.dataset.reason);
  }
}

function enhance(meter) {
  const input = document.getElementById(meter.dataset.strength);
  let table, waiting;
  const start = async () => {
    table ??= fetch(meter.dataset.table).then((answer) => answer.json()).then(prepare);
    const ready = await table;
    meter.hidden = false;
    show(meter, input, ready);
  };
  const later = () => {
    clearTimeout(waiting);
    waiting = setTimeout(start, PAUSE_MS); // a screen reader hears one sentence, not one for each key
  };
  input.addEventListener("focus", start, { once: true });
  input.form?.addEventListener("input", later);
  if (input.value || document.activeElement === input) start();
}

if (globalThis.document) document.querySelectorAll("[data-strength]").forEach(enhance);
