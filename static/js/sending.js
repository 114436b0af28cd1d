// Files on their way: small ones many to a request, large ones in pieces; after a break only what is missing.
// Nothing is remembered in the browser: the server knows a file again by a hash of its name, size and ends.
const END = 64 * 1024; // of a file, hashed at both ends
const PARCEL = 16 * 2 ** 20; // bytes of small files in one request
const MOST = 100; // and how many of them
const LANES = 2;
const PATIENCE_S = [1, 2, 4, 8, 15, 30]; // between tries while the network is away
const TRIES = 3; // of a piece that arrives damaged

const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => hex(await crypto.subtle.digest("SHA-256", bytes));
const pause = (seconds) => new Promise((done) => { setTimeout(done, 1000 * seconds); });

async function fingerprint(file) {
  const ends = new Blob([`${file.name}\0${file.size}\0`, file.slice(0, END), file.slice(Math.max(END, file.size - END))]);
  return sha256(await ends.arrayBuffer());
}

export class Refusal extends Error {} // the server's words
export class Lost extends Error {} // no network
export class SignedOut extends Error {}

export const isPossible = () => Boolean(globalThis.crypto?.subtle); // not over plain http

// Send `files` with the choices of `form`; `tell(index, {sent, status, words})` hears how each fares.
// Returns the address of the receipt.
export async function send(address, form, files, tell) {
  const token = form.get("csrfmiddlewaretoken");
  const list = [];
  for (const file of files) list.push({ name: file.name, size: file.size, fingerprint: await fingerprint(file) });
  form.set("list", JSON.stringify(list));
  const plan = await post(address, form);
  const waiting = []; // parcels: lists of {index, item, offset, size}
  let parcel = [];
  let bytes = 0;
  plan.files.forEach((state, index) => {
    const { size } = files[index];
    tell(index, { sent: state.received, status: state.status, words: state.words, resumed: state.received > 0 });
    if (state.status !== "coming") return;
    const job = { index, item: state.item, offset: state.received, size, tries: 0 };
    if (size > plan.piece) waiting.push([job]);
    else {
      if (bytes + size > PARCEL || parcel.length === MOST) [parcel, bytes] = [[], 0];
      if (!parcel.length) waiting.push(parcel);
      parcel.push(job);
      bytes += size;
    }
  });
  const lane = async () => {
    for (let jobs = waiting.shift(); jobs; jobs = waiting.shift()) {
      let left = jobs;
      while (left.length) left = await deliver(plan, token, files, left, tell);
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, lane));
  const failed = lanes.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  const ending = new FormData();
  ending.set("csrfmiddlewaretoken", token);
  await post(plan.close, ending);
  return plan.receipt;
}

// Send one piece of each job; return the jobs that have more to send.
async function deliver(plan, token, files, jobs, tell) {
  const body = new FormData();
  body.set("csrfmiddlewaretoken", token);
  const rows = [];
  const sizes = [];
  for (const { index, item, offset, size } of jobs) {
    const piece = files[index].slice(offset, Math.min(size, offset + plan.piece));
    rows.push({ item, offset, sha256: await sha256(await piece.arrayBuffer()) });
    sizes.push(piece.size);
    body.append("pieces", piece, "piece");
  }
  body.set("list", JSON.stringify(rows));
  const answer = await post(plan.pieces, body, (share) => jobs.forEach((job, n) => {
    tell(job.index, { sent: job.offset + share * sizes[n], status: "coming", words: "" });
  }));
  const more = [];
  answer.files.forEach((state, n) => {
    const job = jobs[n];
    tell(job.index, { sent: state.received, status: state.status, words: state.words });
    if (state.status !== "coming") return;
    if (state.fault && ++job.tries > TRIES) throw new Lost();
    job.offset = state.received;
    more.push(job);
  });
  return more;
}

async function post(address, body, progress) {
  for (let tried = 0; ; tried += 1) {
    const [status, answer, later] = await once(address, body, progress);
    if (status === 401) throw new SignedOut();
    if (status === 200 && answer === null) return null; // a page: where the close leads
    if (status === 200 || (status === 409 && answer?.files)) return answer;
    if (status === 404 || status === 410) return closed(answer);
    if (status !== 0 && status !== 429 && status < 500) throw new Refusal(answer?.errors?.join(" ") ?? "");
    if (tried >= PATIENCE_S.length) throw new Lost();
    await pause(later || PATIENCE_S[tried]);
  }
}

function closed(answer) { throw new Refusal(answer?.errors?.join(" ") ?? ""); }

function once(address, body, progress) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.upload.addEventListener("progress", (step) => { if (step.total) progress?.(step.loaded / step.total); });
    request.addEventListener("load", () => {
      let answer = null;
      if (request.getResponseHeader("Content-Type")?.includes("json")) answer = JSON.parse(request.responseText);
      done([request.status, answer, Number(request.getResponseHeader("Retry-After"))]);
    });
    request.addEventListener("error", () => done([0, null, 0]));
    request.send(body);
  });
}
