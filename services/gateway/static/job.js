/** One job: how far it is, who it waits for, what has been painted, and in the end the video. */

import { cancel, getStatus } from "./api.js";
import { announce, byId, element, safeUrl, write } from "./dom.js";
import { clearPlayer, showPlayer } from "./player.js";
import { poll } from "./poll.js";
import { clearTiles, showTiles } from "./tiles.js";

/** The stages in order: the API's name, the page's, and what it does. */
const STAGES = [
  ["script", "Script", "Writing the script"],
  ["images", "Images", "Painting the keyframes"],
  ["voice", "Voice", "Recording the voice"],
  ["assembler", "Assembly", "Putting it together"],
  ["storage", "Storage", "Publishing"],
];
const FINISHED = new Set(["completed", "failed", "cancelled"]);

/** True when nothing more will happen to a job by itself. */
export const isFinished = ({ status }) => FINISHED.has(status);

let stop = () => {};
let said = "";

/** Shows a job and follows it; `onStatus` gets every answer, `onUnknown` is called for a job that is not there. */
export function openJob(jobId, { onStatus, onUnknown }) {
  closeJob();
  byId("cancel").onclick = () => stopJob(jobId);
  stop = poll({
    read: () => getStatus(jobId),
    accept: (job) => {
      showJob(job);
      onStatus(job);
      return isFinished(job);
    },
    refuse: (problem) => {
      showRefusal(problem);
      if (problem.status === 404) onUnknown();
    },
  });
}

/** Asks first: what has been paid for is lost to this video. The next answer that is polled shows what came of it. */
async function stopJob(jobId) {
  const button = byId("cancel");
  if (!window.confirm("Stop making this video?")) return;
  button.disabled = true;
  try {
    await cancel(jobId);
  } catch (problem) {
    if (problem.status !== 409) window.alert(problem.message); // 409: it was finished before us
  } finally {
    button.disabled = false;
  }
}

/** Stops following and empties the sheet. */
export function closeJob() {
  stop();
  said = "";
  clearPlayer();
  clearTiles();
  for (const id of ["job-meta", "job-prompt", "job-percent", "job-now"]) write(byId(id), "");
  write(byId("job-title"), "Looking for the video…");
  for (const id of ["waiting", "failure"]) byId(id).hidden = true;
  byId("progress").hidden = false;
  byId("progress-bar").removeAttribute("value");
  byId("stages").replaceChildren();
  showSources([]);
  showStandIns([]);
  showCost(null);
}

function showJob(job) {
  const title = job.title || job.prompt || "Untitled";
  write(byId("job-title"), title);
  write(byId("job-prompt"), job.title && job.prompt !== job.title ? job.prompt ?? "" : "");
  write(byId("job-meta"), [job.style, job.scene_count && `${job.scene_count} scenes`].filter(Boolean).join(" · "));
  write(byId("job-percent"), isFinished(job) ? "" : `${Math.round(job.progress ?? 0)}%`);
  byId("progress").hidden = isFinished(job);
  byId("progress-bar").value = job.progress ?? 0;
  write(byId("job-now"), sentence(job));
  document.title = isFinished(job) ? `${title} · KeyFrame` : `${Math.round(job.progress ?? 0)}% · ${title} · KeyFrame`;
  showStages(job);
  showWaiting(job.waiting_for);
  showFailure(job);
  showTiles(job);
  showPlayer(job);
  showSources(job.attributions ?? []);
  showStandIns(job.degraded ?? []);
  showCost(job.costs);
  say(job);
}

function sentence(job) {
  if (job.status === "queued") return "In the queue";
  const [, , doing] = STAGES.find(([name]) => name === job.stage) ?? [null, null, "Working"];
  if (job.stage !== "images") return doing;
  return `${doing}: ${job.keyframes?.length ?? 0} of ${job.scene_count}`;
}

/** Speaks the turns of a job, not its every step. */
function say(job) {
  const turn = job.waiting_for ? byId("waiting").textContent : `${job.status} ${job.stage}`;
  if (turn === said) return;
  said = turn;
  if (job.waiting_for) announce(turn);
  else if (job.status === "completed") announce("The video is ready.");
  else if (!isFinished(job)) announce(sentence(job));
}

/** What a stage is: done, active, failed or ahead. */
function stateOf(job, name, index) {
  const current = STAGES.findIndex(([stage]) => stage === job.stage);
  if (job.status === "completed" || job.timings?.[name]?.finished_at || index < current) return "done";
  if (job.status === "failed" && (job.error?.stage ?? job.stage) === name) return "failed";
  return index === current && job.status === "processing" ? "active" : "ahead";
}

function showStages(job) {
  const list = byId("stages");
  if (!list.children.length) {
    const mark = () => element("span", { className: "diamond", ariaHidden: "true" });
    const empty = () => element("span", { className: "stage-time" });
    list.append(...STAGES.map(([, label]) => element("li", {}, mark(), element("span", {}, label), empty())));
  }
  STAGES.forEach(([name], index) => {
    const item = list.children[index];
    const state = stateOf(job, name, index);
    item.className = `stage stage-${state}`;
    if (state === "active") item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
    write(item.lastChild, timeOf(state, job.timings?.[name]));
  });
}

function timeOf(state, timing) {
  if (state === "active") return "now";
  if (state === "failed") return "failed";
  return state === "done" && typeof timing?.seconds === "number" ? `${timing.seconds.toFixed(1)} s` : "";
}

function showWaiting(waiting) {
  byId("waiting").hidden = !waiting;
  if (!waiting) return;
  const time = (moment) => new Date(moment).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const next = waiting.next_try ? ` Next try at ${time(waiting.next_try)}.` : "";
  const since = waiting.since ? ` since ${time(waiting.since)}` : "";
  const reason = String(waiting.reason).replace(/\.?$/, ".");
  write(byId("waiting"), `Waiting for ${waiting.on}${since}: ${reason}${next}`);
}

function showFailure(job) {
  const failed = job.status === "failed" || job.status === "cancelled";
  byId("failure").hidden = !failed;
  if (!failed) return;
  const usual = job.status === "cancelled" ? "This video was cancelled." : "This video could not be made.";
  const [, label] = STAGES.find(([name]) => name === job.error?.stage) ?? [];
  byId("again").hidden = false;
  write(byId("failure-message"), job.error?.message || usual);
  write(byId("failure-code"), [label && `Stage: ${label}`, job.error?.code].filter(Boolean).join(" · "));
}

/** Names what the script was drawn from, as its licence asks. */
function showSources(attributions) {
  byId("sources").hidden = attributions.length === 0;
  if (byId("sources-list").children.length === attributions.length) return;
  byId("sources-list").replaceChildren(
    ...attributions.map(({ title, url, licence }) => {
      const address = safeUrl(url);
      const name = address ? element("a", { href: address.href, rel: "noreferrer" }, title) : title;
      return element("li", {}, name, ` · ${licence}`);
    }),
  );
}

/** Says what another provider made than the one that was asked for, and why. */
function showStandIns(degraded) {
  byId("stand-ins").hidden = degraded.length === 0;
  byId("stand-ins-list").replaceChildren(
    ...degraded.map(({ scene, stage, reason }) => {
      const [, label] = STAGES.find(([name]) => name === stage) ?? [null, stage];
      return element("li", {}, [label, scene && `scene ${scene}`, reason].filter(Boolean).join(" · "));
    }),
  );
}

function showCost(costs) {
  byId("cost").hidden = !(costs?.usd > 0);
  if (byId("cost").hidden) return;
  const parts = Object.entries(costs.by_stage).map(([stage, usd]) => {
    const [, label] = STAGES.find(([name]) => name === stage) ?? [null, stage];
    return `${label} ${dollars(usd)}`;
  });
  const unknown = costs.complete ? "" : " and what has no known price";
  write(byId("cost"), `Cost: ${dollars(costs.usd)}${unknown} (${parts.join(", ")})`);
}

/** 0.0441 → "$0.0441": most videos cost a few cents, and a stage less than one. */
const dollars = (usd) => `$${usd.toFixed(usd < 1 ? 4 : 2)}`;

function showRefusal(problem) {
  const unknown = problem.status === 404;
  write(byId("job-title"), unknown ? "No such video" : "This video cannot be shown");
  byId("progress").hidden = true;
  byId("failure").hidden = false;
  byId("again").hidden = true;
  write(byId("failure-message"), unknown ? "It may have been deleted, or the link is cut short." : problem.message);
  write(byId("failure-code"), "");
}
