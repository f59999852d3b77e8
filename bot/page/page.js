// Atelier's local page: gathers a wish, follows its painting, shows the result. The rules are the server's.

const $ = (id) => document.getElementById(id);
const form = $("wish");
const GALLERIES = { content: "samples", style: "presets" };
const FILE_FIELDS = { content: "content", style: "style" };
const NAME_FIELDS = { content: "sample", style: "preset" };
const chosen = { content: null, style: null }; // each: {file} or {name}
const SIZES = [256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096];
const WORDS = [
  [0, "the photo itself"], [5, "a breath"], [25, "gentle"], [45, "balanced"], [60, "strong"], [80, "bold"], [95, "all paint"],
];
const RETRY_MILLISECONDS = 3000;
const USUAL_STRENGTH = Number(form.strength.defaultValue);
let limits = { size: 512, max_size: 1024, upload_bytes: Infinity };
let isStrengthChosen = false; // until then the slider shows what suits the style, and the server is left to know it
let news = null;

// --- choosing -------------------------------------------------------------------------------------------------------

function choose(role, choice, address, alt) {
  chosen[role] = choice;
  if (role === "style" && !isStrengthChosen) showStrength(choice.strength ?? USUAL_STRENGTH);
  const [picture, words] = $(`${role}-drop`).querySelectorAll("img, span");
  if (picture.src.startsWith("blob:")) URL.revokeObjectURL(picture.src);
  picture.onerror = () => { picture.hidden = true; words.hidden = false; words.textContent = alt; }; // HEIC, in most browsers
  picture.src = address;
  picture.alt = alt;
  picture.hidden = false;
  words.hidden = true;
  for (const radio of $(GALLERIES[role]).querySelectorAll("input")) radio.checked = radio.value === choice.name;
  complain("");
}

function chooseFile(role, file) {
  if (!file) return;
  if (file.size > limits.upload_bytes) {
    complain(`${file.name} is too large: a picture may have up to ${Math.floor(limits.upload_bytes / 2 ** 20)} MB.`);
    return;
  }
  choose(role, { file }, URL.createObjectURL(file), file.name);
}

async function fillGallery(role) {
  const kind = GALLERIES[role];
  const entries = await ask(`/api/${kind}`);
  for (const { name, title, description, alt, strength } of entries) {
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: kind, value: name });
    const picture = Object.assign(new Image(), { src: `/api/${kind}/${name}/thumbnail`, alt, className: "framed" });
    const caption = Object.assign(document.createElement("span"), { textContent: title });
    if (description) caption.append(" ", Object.assign(document.createElement("small"), { textContent: description }));
    // Read out as the caption first, and only then, for whoever listens on, what the picture shows.
    radio.setAttribute("aria-labelledby", caption.id = `${kind}-${name}-caption`);
    radio.setAttribute("aria-describedby", picture.id = `${kind}-${name}-picture`);
    radio.addEventListener("change", () => choose(role, { name, strength }, `/api/${kind}/${name}/picture`, alt));
    const label = Object.assign(document.createElement("label"), { title: alt });
    label.append(radio, picture, caption);
    $(kind).append(label);
  }
  $(kind).hidden = entries.length === 0;
  return entries;
}

function roleOf(target) {
  const card = target.closest?.(".card")?.querySelector(".drop");
  if (card) return card.id.replace("-drop", "");
  return chosen.content ? "style" : "content";
}

for (const role of ["content", "style"]) {
  const input = $(`${role}-drop`).querySelector("input");
  input.addEventListener("change", () => { chooseFile(role, input.files[0]); input.value = ""; });
}

// A picture dropped or pasted beside the zones goes to the one that is still empty.
document.addEventListener("dragover", (event) => { event.preventDefault(); mark(event); });
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(null); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  mark(null);
  if (!form.hidden) chooseFile(roleOf(event.target), event.dataTransfer.files[0]);
});
document.addEventListener("paste", (event) => {
  const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
  if (!form.hidden) chooseFile(roleOf(event.target), file);
});

function mark(event) {
  for (const role of ["content", "style"]) {
    $(`${role}-drop`).classList.toggle("over", event !== null && roleOf(event.target) === role);
  }
}

function sayStrength() {
  const strength = Number(form.strength.value);
  const word = WORDS.findLast(([from]) => strength >= from)[1];
  $("strength-word").value = word;
  form.strength.setAttribute("aria-valuetext", `${strength}, ${word}`);
}

function showStrength(strength) {
  form.strength.value = strength;
  sayStrength();
}

form.strength.addEventListener("input", () => {
  isStrengthChosen = true;
  sayStrength();
});

function fillSizes() {
  const sizes = new Set([...SIZES.filter((size) => size < limits.max_size), limits.size, limits.max_size]);
  for (const size of [...sizes].sort((one, other) => one - other)) {
    form.size.add(new Option(`${size} pixels`, size, size === limits.size, size === limits.size));
  }
}

// --- painting -------------------------------------------------------------------------------------------------------

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  complain("");
  const wish = new FormData();
  for (const [role, choice] of Object.entries(chosen)) {
    if (choice?.file) wish.append(FILE_FIELDS[role], choice.file);
    if (choice?.name) wish.append(NAME_FIELDS[role], choice.name);
  }
  if (isStrengthChosen) wish.append("strength", form.strength.value);
  wish.append("size", form.size.value);
  $("paint").disabled = $("show-me").disabled = true;
  try {
    follow((await ask("/api/jobs", { method: "POST", body: wish })).id);
  } catch (error) {
    complain(error.message);
  } finally {
    $("paint").disabled = $("show-me").disabled = false;
  }
});

$("show-me").addEventListener("click", () => {
  // The last of each gallery: of what is bundled, the pair that shows best what Atelier does.
  for (const kind of Object.values(GALLERIES)) [...$(kind).querySelectorAll("input")].at(-1).click();
  form.requestSubmit();
});

function follow(id) {
  show("painting");
  history.replaceState(null, "", `#${id}`);
  $("easel").dataset.job = id;
  $("bar").removeAttribute("value");
  $("painting").removeAttribute("src");
  $("painting").alt = "The painting so far";
  say("Sent.");
  $("easel").focus();
  news?.close();
  news = new EventSource(`/api/jobs/${id}/events`);
  // Again after each break of the connection: a photo that broke off comes too, and the news begin with the last preview.
  news.onopen = () => { $("before").src = $("painting").src = `/api/jobs/${id}/content`; };
  news.onmessage = (event) => {
    const told = JSON.parse(event.data);
    if (!["queued", "painting"].includes(told.kind)) news.close();
    HANDLERS[told.kind](id, told);
  };
  news.onerror = () => {
    say("The bot does not answer; waiting for it …");
    if (news.readyState === EventSource.CLOSED) setTimeout(() => followAgain(id), RETRY_MILLISECONDS);
  };
}

async function followAgain(id) {
  let response;
  try {
    response = await fetch(`/api/jobs/${id}/content`);
  } catch {
    setTimeout(() => followAgain(id), RETRY_MILLISECONDS);
    return;
  }
  if (response.ok) return follow(id);
  leave();
  complain((await response.json()).error);
}

const HANDLERS = {
  queued(_, { position, seconds_left: seconds }) {
    say(`${position === 1 ? "Next in line" : `Number ${position} in line`}${left(seconds)}`);
  },
  painting(_, { fraction, seconds_left: seconds, preview }) {
    $("bar").value = fraction;
    const percent = Math.floor(fraction * 100);
    say(`Painting, ${percent} %${left(seconds)}`, `Painting, ${percent - (percent % 25)} percent`);
    document.title = `${percent} % · Atelier`;
    if (preview) $("painting").src = preview;
  },
  async painted(id, { style, strength, encoder, seconds, note }) {
    const address = `/api/jobs/${id}/result`;
    const took = seconds ? ` in ${Math.max(1, Math.round(seconds))} s` : "";
    try {
      await showPainting(address);
    } catch {
      leave();
      complain("This picture is kept no longer; paint it again.");
      return;
    }
    $("painting").alt = `Your photo in the style of ${style}`;
    $("save").href = address;
    show("result");
    document.title = "Painted · Atelier";
    say(`In the style of ${style}, strength ${strength}. Painted${took} with the ${encoder} encoder. ${note ?? ""}`);
    reveal();
  },
  cancelled() { leave(); },
  failed(_, { sentence }) { leave(); complain(sentence); },
};

async function showPainting(address) {
  const painting = Object.assign(new Image(), { src: address });
  await painting.decode();
  $("painting").src = address;
}

$("before").addEventListener("load", ({ target: photo }) => {
  $("canvas").style.setProperty("--ratio", photo.naturalWidth / photo.naturalHeight);
});
$("cancel").addEventListener("click", async () => {
  try {
    await ask(`/api/jobs/${$("easel").dataset.job}/cancel`, { method: "POST" });
  } catch (error) {
    complain(error.message);
  }
});
$("again").addEventListener("click", leave);
$("compare").addEventListener("input", () => {
  $("canvas").classList.remove("revealing");
  compare($("compare").value);
});

// --- showing --------------------------------------------------------------------------------------------------------

function compare(percent) {
  $("canvas").style.setProperty("--at", `${percent}%`);
}

function reveal() {
  $("canvas").classList.remove("revealing");
  compare(100);
  $("compare").value = 0;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    $("canvas").classList.add("revealing");
    compare(0);
  }));
}

function leave() {
  show("form");
  history.replaceState(null, "", location.pathname);
  document.title = "Atelier";
  $("spoken").textContent = "";
  $("paint").focus({ preventScroll: true });
  window.scrollTo({ top: 0 });
}

function show(view) {
  complain("");
  form.hidden = view !== "form";
  $("show-me").hidden = view !== "form" || $("presets").hidden || $("samples").hidden;
  $("easel").hidden = view === "form";
  for (const id of ["cancel", "bar"]) $(id).hidden = view !== "painting";
  for (const id of ["again", "save", "before", "compare"]) $(id).hidden = view !== "result";
}

function say(sentence, spoken = sentence) {
  $("status").textContent = sentence;
  if ($("spoken").textContent !== spoken) $("spoken").textContent = spoken;
}

function left(seconds) {
  if (seconds === null || seconds === undefined) return "";
  return seconds < 90 ? `, about ${Math.max(1, Math.round(seconds))} s left` : `, about ${Math.round(seconds / 60)} min left`;
}

function complain(sentence) {
  $("error").textContent = sentence;
  $("error").hidden = !sentence;
  if (sentence) $("error").scrollIntoView({ block: "nearest" });
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

// --- beginning ------------------------------------------------------------------------------------------------------

try {
  limits = await ask("/api/limits");
  fillSizes();
  showStrength(USUAL_STRENGTH);
  const example = (await Promise.all([fillGallery("content"), fillGallery("style")])).map((entries) => entries.at(-1));
  show("form");
  [...$("show-me").querySelectorAll("img")].forEach((picture, index) => {
    if (example[index]) picture.src = `/api/${Object.values(GALLERIES)[index]}/${example[index].name}/thumbnail`;
  });
  // What was asked for before a reload or a restart is taken up again.
  const job = encodeURIComponent(location.hash.slice(1)) || (await ask("/api/jobs"))[0]?.id;
  if (job) await followAgain(job);
} catch (error) {
  complain(error.message);
}
