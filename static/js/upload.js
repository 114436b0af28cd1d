// Drag and drop, a list of what was chosen, and progress while sending. Without this the form still works.
const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const queue = form.querySelector("[data-queue]");
const bar = form.querySelector("[data-progress]");
const text = form.querySelector("[data-progress-text]");
const ask = form.querySelector("[data-ask-modality]");
const folder = form.querySelector("[data-folder]");
const tooMany = form.querySelector("[data-too-many]");
const words = form.dataset;
const SHOWN = 50; // lines of the list; a series has hundreds of files
const SILENT = /\.(png|jpe?g|tiff?|nii|nii\.gz)$/i; // formats that do not say what they show
let sending = false;

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function show() {
  const files = [...input.files];
  queue.replaceChildren(...files.slice(0, SHOWN).map((file, index) => {
    const line = document.createElement("li");
    const name = document.createElement("bdi");
    name.textContent = file.name;
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
    line.append(name, side);
    return line;
  }));
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

form.addEventListener("submit", (event) => {
  if (!input.files.length) return;
  event.preventDefault();
  const request = new XMLHttpRequest();
  request.open("POST", form.action || location.href);
  request.upload.addEventListener("progress", (step) => {
    const part = Math.round((100 * step.loaded) / step.total);
    bar.value = part;
    text.textContent = part < 100 ? words.sent.replace("%p", part).replace("%s", size(step.total)) : words.storing;
  });
  request.addEventListener("load", () => {
    sending = false;
    if (request.responseURL && request.status < 400 && request.responseURL !== location.href) {
      location.assign(request.responseURL);
    } else {
      form.querySelector("[type=submit]").disabled = false;
      form.submit(); // the server's own page says what is wrong
    }
  });
  request.addEventListener("error", () => {
    sending = false;
    form.querySelector("[type=submit]").disabled = false;
    text.textContent = words.lost;
  });
  sending = true;
  bar.hidden = false;
  form.querySelector("[type=submit]").disabled = true;
  request.send(new FormData(form));
});
addEventListener("beforeunload", (event) => { if (sending) event.preventDefault(); });
