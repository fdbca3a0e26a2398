/** The form: from what the user says to a request, and from a refusal to the field that it is about. */

import { generate, getStyles, getVoices, Problem, randomId, Unreachable } from "./api.js";
import { announce, byId, characters, element, write } from "./dom.js";
import { takeDrops } from "./source.js";

const LIMITS = { prompt: 2_000, source_text: 50_000 };
const FIELDS = ["prompt", "style", "aspect_ratio", "voice", "scene_count", "target_seconds", "source_text"];
const IN_OPTIONS = new Set(FIELDS.slice(2));
const USUAL_STYLES = [{ name: "Educational" }, { name: "Storytelling" }, { name: "Meme" }];

const form = byId("form");
let voices = new Map();

/** When the choices that the API gives stand in the form. */
let filled = Promise.resolve();

/** The key of the last submit without a definite answer, so that the same request sent again makes one job. */
let unanswered = { body: null, key: null };

/** Fills the choices from the API and wires the form; `onAccepted` gets (jobId, request). */
export function startForm(onAccepted, onStyles) {
  for (const field of Object.keys(LIMITS)) form[field].addEventListener("input", () => showCount(field));
  form.addEventListener("input", (event) => showError(event.target.name, ""));
  form.addEventListener("input", showOptions);
  form.prompt.addEventListener("keydown", (event) => {
    // A prompt is one line; Enter that ends a word of an input method is not meant for us.
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(onAccepted);
  });
  takeDrops({ sheet: byId("compose"), picker: byId("source-file"), fill: fillSource, refuse: refuseSource });
  Object.keys(LIMITS).forEach(showCount);
  showOptions();
  filled = Promise.all([loadStyles(onStyles), loadVoices()]);
}

/** Puts a request back into the form, to be changed and sent again. */
export async function fillForm({ prompt, style }) {
  form.prompt.value = prompt ?? "";
  showCount("prompt");
  form.prompt.focus();
  await filled;
  for (const radio of form.querySelectorAll("[name=style]")) radio.checked = radio.value === style;
}

async function loadStyles(onStyles) {
  const { styles } = await getStyles().catch(() => ({ styles: USUAL_STYLES }));
  byId("styles").replaceChildren(...styles.map(styleCard));
  onStyles(styles.map(({ name }) => name));
}

function styleCard({ name, summary = "" }, index) {
  const radio = element("input", { type: "radio", name: "style", value: name, checked: index === 0 });
  return element("label", { className: "card" }, radio, element("strong", {}, name), element("span", {}, summary));
}

async function loadVoices() {
  const answer = await getVoices().catch(() => ({ voices: [] }));
  const served = answer.voices.filter((voice) => voice.served !== false);
  voices = new Map(served.map((voice) => [voice.name, voice]));
  byId("voice-field").hidden = served.length === 0;
  form.voice.replaceChildren(...served.map(voiceOption));
  showOptions();
}

function voiceOption({ name, accent, gender }) {
  const spoken = name.charAt(0).toUpperCase() + name.slice(1);
  const manner = [accent, gender].filter(Boolean).join(", ");
  return element("option", { value: name }, manner ? `${spoken} · ${manner}` : spoken);
}

function showCount(field) {
  const count = characters(form[field].value);
  const note = byId(`${field}-count`);
  write(note, `${count.toLocaleString("en")} / ${LIMITS[field].toLocaleString("en")}`);
  note.classList.toggle("over", count > LIMITS[field]);
}

function showOptions() {
  const scenes = form.scene_count.value;
  const seconds = form.target_seconds.value;
  write(byId("scene_count-value"), scenes);
  write(byId("target_seconds-value"), `about ${seconds} s`);
  form.scene_count.setAttribute("aria-valuetext", `${scenes} scenes`);
  form.target_seconds.setAttribute("aria-valuetext", `about ${seconds} seconds`);
  const voice = form.voice.selectedOptions[0]?.textContent.split(" · ")[0];
  const source = form.source_text.value ? "your text" : null;
  const said = [form.aspect_ratio.value, voice, `${scenes} scenes`, `${seconds} s`, source].filter(Boolean);
  write(byId("options-summary"), said.join(" · "));
}

function fillSource(text) {
  form.source_text.value = text;
  showCount("source_text");
  showOptions();
  byId("options").open = true;
  showError("source_text", tooLong("source_text"));
  announce(`${characters(text).toLocaleString("en")} characters of source text taken.`);
}

function refuseSource(reason) {
  byId("options").open = true;
  showError("source_text", reason);
  announce(reason);
}

function tooLong(field) {
  const over = characters(form[field].value) - LIMITS[field];
  return over > 0 ? `Too long by ${over.toLocaleString("en")} characters.` : "";
}

/** Shows an error at its field, or clears it; false when the page shows no such field. */
function showError(field, message) {
  if (!FIELDS.includes(field)) return false;
  const control = byId(field) ?? byId(`${field}-field`);
  if (control.closest("[hidden]")) return false;
  write(byId(`${field}-error`), message);
  if (message) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
  if (message && IN_OPTIONS.has(field)) byId("options").open = true;
  return true;
}

function showErrors(errors) {
  const shown = errors.filter(([field, message]) => showError(field, message));
  if (shown.length) {
    const [field] = shown[0];
    (form.querySelector(`[name=${field}]:checked`) ?? form.querySelector(`[name=${field}]`))?.focus();
    announce(shown.map(([name, message]) => `${name.replace("_", " ")}: ${message}`).join(" "));
  }
  return errors.filter((error) => !shown.includes(error)).map(([, message]) => message);
}

function showProblem(message) {
  byId("form-error").hidden = !message;
  write(byId("form-error"), message);
}

/** "/prompt", "#/prompt" and "/body/prompt" are all the field "prompt". */
const fieldOf = ({ pointer = "" }) => pointer.split("/").filter((part) => part && part !== "#" && part !== "body")[0];

function readRequest() {
  const said = Object.fromEntries(new FormData(form));
  const voice = voices.get(said.voice);
  return {
    prompt: said.prompt.replace(/\s+/g, " ").trim(),
    style: said.style,
    aspect_ratio: said.aspect_ratio,
    ...(voice ? { voice: voice.name, language: voice.language } : {}),
    scene_count: Number(said.scene_count),
    target_seconds: Number(said.target_seconds),
    source_text: said.source_text.trim() || null,
  };
}

function complaints() {
  const empty = form.prompt.value.trim() === "" ? "Say in a few words what the video should be about." : "";
  const found = [["prompt", empty || tooLong("prompt")], ["source_text", tooLong("source_text")]];
  return found.filter(([, message]) => message);
}

async function submit(onAccepted) {
  if (byId("go").disabled) return;
  showProblem("");
  for (const field of FIELDS) showError(field, "");
  const found = complaints();
  if (found.length) {
    showErrors(found);
    return;
  }
  setSending(true);
  try {
    await filled;
    const request = readRequest();
    const body = JSON.stringify(request);
    if (unanswered.body !== body) unanswered = { body, key: randomId() };
    const { jobId } = await generate(body, unanswered.key);
    unanswered = { body: null, key: null };
    onAccepted(jobId, request);
  } catch (error) {
    refuse(error);
  } finally {
    setSending(false);
  }
}

function setSending(sending) {
  byId("go").disabled = sending;
  write(byId("go"), sending ? "Sending…" : "Go");
}

function refuse(error) {
  if (error instanceof Unreachable) {
    showProblem("KeyFrame did not answer. Press Go to send it again: it will not be made twice.");
    return;
  }
  if (!(error instanceof Problem)) throw error;
  if (error.status < 500 && error.status !== 401) unanswered = { body: null, key: null };
  const atNoField = showErrors(error.errors.map((entry) => [fieldOf(entry), String(entry.detail ?? "")]));
  const pause = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  if (!error.errors.length || atNoField.length) showProblem([error.message, ...atNoField].join(" ") + pause);
}
