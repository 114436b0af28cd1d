// Drag and drop, a list of what was chosen, and progress while sending. Without this the form still works.
const form = document.querySelector("[data-upload]");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const queue = form.querySelector("[data-queue]");
const bar = form.querySelector("[data-progress]");
const text = form.querySelector("[data-progress-text]");
const ask = form.querySelector("[data-ask-modality]");
const words = form.dataset;
const SILENT = /\.(png|jpe?g|tiff?|nii|nii\.gz)$/i; // formats that do not say what they show
let sending = false;

const size = (bytes) => (bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

function show() {
  queue.replaceChildren(...[...input.files].map((file, index) => {
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
  queue.hidden = input.files.length === 0;
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
  choose([...input.files, ...event.dataTransfer.files]);
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
