// Drag and drop, a list of what was chosen, and progress while sending. Without this the form still works.
import { Lost, SignedOut, isPossible, send } from "./sending.js";

const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const queue = form.querySelector("[data-queue]");
const bar = form.querySelector("[data-progress]");
const text = form.querySelector("[data-progress-text]");
const ask = form.querySelector("[data-ask-modality]");
const folder = form.querySelector("[data-folder]");
const tooMany = form.querySelector("[data-too-many]");
const tooMuch = form.querySelector("[data-too-much]");
const words = form.dataset;
const SHOWN = 50; // lines of the list; a series has hundreds of files
const SILENT = /\.(png|jpe?g|tiff?|nii|nii\.gz|nrrd)$/i; // formats that do not say what they show
let sending = false;

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} MB`);

// A line of the list: name, size, how far it is, and a way to take it back before it is sent.
function lineOf(file, index) {
  const line = document.createElement("li");
  const name = document.createElement("bdi");
  name.textContent = file.name;
  const state = document.createElement("span");
  state.className = "state";
  const side = document.createElement("span");
  side.className = "num";
  side.textContent = `${size(file.size)} `;
  const away = document.createElement("button");
  away.type = "button";
  away.className = "link";
  away.textContent = words.remove;
  away.setAttribute("aria-label", `${words.remove} ${file.name}`);
  away.addEventListener("click", () => choose([...input.files].filter((_, other) => other !== index)));
  side.append(away);
  line.append(name, state, side);
  return line;
}

function show() {
  const files = [...input.files];
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  queue.replaceChildren(...files.slice(0, SHOWN).map(lineOf));
  if (files.length > SHOWN) {
    const rest = document.createElement("li");
    rest.textContent = words.more.replace("%n", files.length - SHOWN);
    queue.append(rest);
  }
  queue.hidden = files.length === 0;
  tooMany.hidden = files.length <= Number(words.most);
  tooMany.textContent = words.many.replace("%n", words.most);
  form.querySelector("[type=submit]").disabled = !tooMany.hidden;
  askModality();
  tellRoom(bytes);
}

// What does not fit the plan is said before it is sent; files that are here already take no room.
function tellRoom(bytes) {
  const house = form.querySelector("[name=place]")?.value.split(":")[0];
  const rooms = [...form.querySelectorAll("[data-room]")];
  const room = rooms.find((one) => one.dataset.house === house) ?? rooms[0];
  tooMuch.hidden = !room || bytes <= Number(room.dataset.room);
  if (!tooMuch.hidden) tooMuch.textContent = words.much.replace("%s", size(bytes)).replace("%l", size(Number(room.dataset.room))).replace("%p", room.dataset.plan);
}

// Said before sending, since the server would refuse these files one by one.
function askModality() {
  const isSaid = form.querySelector("[name=modality]:checked").value !== "";
  ask.hidden = isSaid || ![...input.files].some((file) => SILENT.test(file.name));
}

function choose(files) {
  const transfer = new DataTransfer();
  files.forEach((file) => transfer.items.add(file));
  input.files = transfer.files;
  show();
}

// What lies in a dropped folder, however deep; a browser hands over one entry for all of it.
async function inside(entry) {
  if (entry.isFile) return [await new Promise((done, failed) => entry.file(done, failed))];
  const reader = entry.createReader();
  const found = [];
  for (;;) { // each answer holds a part of the folder, the last one nothing
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length) return (await Promise.all(found.map(inside))).flat();
    found.push(...some);
  }
}

async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some((entry) => entry.isDirectory)) return [...transfer.files];
  return (await Promise.all(entries.map(inside))).flat();
}

folder.hidden = false;
folder.querySelector("input").addEventListener("change", (event) => choose([...input.files, ...event.target.files]));
input.addEventListener("change", show);
form.querySelectorAll("[name=modality]").forEach((radio) => radio.addEventListener("change", askModality));
for (const kind of ["dragenter", "dragover"]) {
  drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
}
for (const kind of ["dragleave", "drop"]) {
  drop.addEventListener(kind, () => drop.classList.remove("over"));
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  dropped(event.dataTransfer).then((files) => choose([...input.files, ...files]));
});

// How each file fares, on its line; a refused one that has no line gets one.
function follow(files) {
  const at = files.map(() => 0);
  const total = files.reduce((sum, file) => sum + file.size, 0) || 1;
  let resumed = 0;
  return (index, { sent, status, words: reason, resumed: isOld }) => {
    at[index] = status === "coming" ? sent : files[index].size;
    if (isOld) resumed += sent;
    const isOver = status === "refused";
    if (isOver && index >= SHOWN && !queue.querySelector(`[data-index="${index}"]`)) {
      queue.append(Object.assign(lineOf(files[index], index), { hidden: false }));
      queue.lastElementChild.dataset.index = index;
    }
    const line = index < SHOWN ? queue.children[index] : queue.querySelector(`[data-index="${index}"]`);
    if (line) {
      line.className = status;
      const share = Math.floor((100 * at[index]) / (files[index].size || 1));
      line.querySelector(".state").textContent = status === "coming" ? `${share} %` : reason || words[status] || words.here;
      line.querySelector("button")?.remove();
    }
    const part = (100 * at.reduce((sum, one) => sum + one, 0)) / total;
    bar.value = part;
    text.textContent = words.sent.replace("%p", Math.floor(part)).replace("%s", size(total))
      + (resumed ? ` ${words.resumed.replace("%s", size(resumed))}` : "");
  };
}

function stop(sentence) {
  sending = false;
  input.disabled = false;
  form.querySelector("[type=submit]").disabled = false;
  text.textContent = sentence;
}

form.addEventListener("submit", (event) => {
  if (!input.files.length) return;
  if (!ask.hidden && [...input.files].every((file) => SILENT.test(file.name))) { // all would be refused
    event.preventDefault();
    form.querySelector("[name=modality]").focus();
    return;
  }
  if (!isPossible()) return;
  event.preventDefault();
  const files = [...input.files];
  const choices = new FormData(form);
  choices.delete("files");
  sending = true;
  bar.hidden = false;
  bar.value = 0;
  text.textContent = words.begin;
  input.disabled = true; // what is under way stays what it is
  form.querySelector("[type=submit]").disabled = true;
  queue.querySelectorAll("button").forEach((button) => button.remove());
  send(words.open, choices, files, follow(files)).then((receipt) => {
    sending = false;
    location.assign(receipt);
  }, (error) => {
    if (error instanceof Lost) stop(words.lost);
    else if (error instanceof SignedOut) stop(words.signedOut);
    else stop(error.message || words.broke);
  });
});
addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
