// Atelier's local page: gathers a wish, follows its painting, shows the result. The rules are the server's.

const $ = (id) => document.getElementById(id);
const form = $("wish");
const chosen = { content: null, style: null }; // each: {file} or {name}, and where its picture can be seen

const WORDS = [
  [0, "the photo itself"], [5, "a breath"], [25, "gentle"], [45, "balanced"], [60, "strong"], [80, "bold"], [95, "all paint"],
];

// --- choosing -------------------------------------------------------------------------------------------------------

function choose(role, choice) {
  chosen[role] = choice;
  const drop = $(`${role}-drop`);
  const picture = drop.querySelector("img");
  picture.src = choice.shown;
  picture.alt = choice.alt;
  picture.hidden = false;
  drop.querySelector("span").hidden = true;
  const gallery = $(role === "content" ? "samples" : "presets");
  for (const button of gallery.children) button.setAttribute("aria-checked", String(button.dataset.name === choice.name));
  complain("");
}

function chooseFile(role, file) {
  if (file) choose(role, { file, shown: URL.createObjectURL(file), alt: `Your file ${file.name}` });
}

async function fillGallery(id, role, kind) {
  const entries = await (await fetch(`/api/${kind}`)).json();
  for (const entry of entries) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.name = entry.name;
    button.title = entry.title;
    button.setAttribute("role", "radio");
    button.setAttribute("aria-checked", "false");
    const picture = new Image();
    picture.src = `/api/${kind}/${entry.name}.jpg`;
    picture.alt = entry.title;
    button.append(picture);
    button.addEventListener("click", () =>
      choose(role, { name: entry.name, shown: picture.src, alt: entry.alt ?? entry.title }));
    $(id).append(button);
  }
  return entries;
}

for (const role of ["content", "style"]) {
  const drop = $(`${role}-drop`);
  drop.querySelector("input").addEventListener("change", (event) => chooseFile(role, event.target.files[0]));
  for (const name of ["dragenter", "dragover"]) {
    drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    chooseFile(role, event.dataTransfer.files[0]);
  });
}

document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  chooseFile(chosen.content ? "style" : "content", file);
});

form.strength.addEventListener("input", () => {
  const strength = Number(form.strength.value);
  $("strength-word").value = WORDS.findLast(([from]) => strength >= from)[1];
});

// --- painting -------------------------------------------------------------------------------------------------------

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  complain("");
  const wish = new FormData();
  const { content, style } = chosen;
  if (content) wish.append(content.file ? "content" : "sample", content.file ?? content.name);
  if (style) wish.append(style.file ? "style" : "preset", style.file ?? style.name);
  wish.append("strength", form.strength.value);
  wish.append("size", form.size.value);
  $("paint").disabled = true;
  try {
    const { id } = await ask("/api/jobs", { method: "POST", body: wish });
    follow(id);
  } catch (error) {
    complain(error.message);
  } finally {
    $("paint").disabled = false;
  }
});

$("show-me").addEventListener("click", () => {
  const [sample, preset] = [$("samples").firstElementChild, $("presets").firstElementChild];
  if (!sample || !preset) return complain("There are no samples in this installation.");
  sample.click();
  preset.click();
  form.requestSubmit();
});

function follow(id) {
  show({ easel: true, cancel: true });
  $("painting").src = `/api/jobs/${id}/content`;
  $("status").textContent = "Sent.";
  $("bar").removeAttribute("value");
  $("easel").dataset.job = id;
  $("easel").scrollIntoView({ behavior: "smooth", block: "nearest" });
  const news = new EventSource(`/api/jobs/${id}/events`);
  news.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    HANDLERS[told.kind](id, told);
    if (!["queued", "painting"].includes(told.kind)) news.close();
  });
  news.addEventListener("error", () => { $("status").textContent = "The bot does not answer; waiting for it …"; });
}

const HANDLERS = {
  queued(_, { position, seconds_left: seconds }) {
    $("status").textContent = position === 1 ? `Next in line${left(seconds)}` : `Number ${position} in line${left(seconds)}`;
  },
  painting(_, { fraction, seconds_left: seconds, preview }) {
    $("bar").value = fraction;
    $("status").textContent = `Painting, ${Math.floor(fraction * 100)} %${left(seconds)}`;
    if (preview) $("painting").src = preview;
  },
  painted(id, about) {
    show({ easel: true, result: true });
    $("painting").src = `/api/jobs/${id}/result`;
    $("painting").alt = `Your picture in the style of ${about.style}`;
    $("before").src = `/api/jobs/${id}/content`;
    $("compare").value = 100;
    compare();
    $("save").href = `/api/jobs/${id}/result`;
    $("save").download = `atelier-${id}.png`;
    const seconds = about.seconds ? ` in ${Math.round(about.seconds)} s` : "";
    $("status").textContent = `Painted${seconds} with the ${about.encoder} encoder. ${about.note ?? ""}`;
  },
  cancelled() { show({ form: true }); },
  failed(_, { sentence }) { show({ form: true }); complain(sentence); },
};

$("cancel").addEventListener("click", async () => {
  try {
    await ask(`/api/jobs/${$("easel").dataset.job}/cancel`, { method: "POST" });
  } catch (error) {
    complain(error.message);
  }
});
$("again").addEventListener("click", () => { show({ form: true }); window.scrollTo({ top: 0, behavior: "smooth" }); });
$("compare").addEventListener("input", compare);

// --- helpers --------------------------------------------------------------------------------------------------------

function compare() {
  $("before").style.clipPath = `inset(0 0 0 ${$("compare").value}%)`;
}

function show({ easel = false, cancel = false, result = false }) {
  form.hidden = easel;
  $("easel").hidden = !easel;
  $("cancel").hidden = !cancel;
  $("bar").hidden = !cancel;
  for (const id of ["again", "save", "before", "compare"]) $(id).hidden = !result;
}

function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 90 ? `, about ${Math.max(1, Math.round(seconds))} s left` : `, about ${Math.round(seconds / 60)} min left`;
}

function complain(sentence) {
  $("error").textContent = sentence;
  $("error").hidden = !sentence;
}

async function ask(address, options) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The bot does not answer; is it still running?");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

// What was asked for before a reload or a restart is taken up again.
await Promise.all([fillGallery("samples", "content", "samples"), fillGallery("presets", "style", "presets")]);
const waiting = await (await fetch("/api/jobs")).json();
if (waiting.length) follow(waiting.at(-1).id);
