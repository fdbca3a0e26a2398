/** The strip of this browser's jobs, each followed until it is finished. */

import { getStatus } from "./api.js";
import { byId, element, write } from "./dom.js";
import { forgetJob, recentJobs, rememberJob } from "./history.js";
import { isFinished } from "./job.js";
import { poll } from "./poll.js";

const INTERVAL = 4_000; // ms: beside the job that is watched, these can wait
const STATES = { completed: "ready", failed: "failed", cancelled: "cancelled", queued: "in the queue", gone: "gone" };

const list = byId("recent-list");
const followed = new Map(); // Job id → what stops following it.
const strips = new Map(); // Job id → its list item.

/** Adds a job that this browser has asked for. */
export function addJob(jobId, prompt) {
  rememberJob({ jobId, title: prompt, status: "queued", progress: 0 });
}

/** Notes a job's status if it is one of this browser's; true when it has just been completed. */
export function noteJob({ jobId, status, progress = 0, title, prompt }) {
  const before = recentJobs().find((job) => job.jobId === jobId);
  if (!before) return false;
  rememberJob({ jobId, status, progress, title: title || prompt || before.title });
  showRecent();
  return status === "completed" && before.status !== "completed";
}

/** Follows every unfinished job but the one that is open, which its own sheet follows. */
export function followRecent(openJobId, onCompleted) {
  const wanted = recentJobs().filter((job) => !isFinished(job) && job.status !== "gone" && job.jobId !== openJobId);
  for (const jobId of followed.keys()) if (!wanted.some((job) => job.jobId === jobId)) leave(jobId);
  for (const { jobId } of wanted) if (!followed.has(jobId)) followed.set(jobId, follow(jobId, onCompleted));
  showRecent();
}

function leave(jobId) {
  followed.get(jobId)?.();
  followed.delete(jobId);
}

function follow(jobId, onCompleted) {
  return poll({
    read: () => getStatus(jobId),
    accept: (job) => {
      if (noteJob(job)) onCompleted();
      return isFinished(job);
    },
    refuse: ({ status }) => {
      if (status !== 404) return;
      rememberJob({ jobId, status: "gone" });
      showRecent();
    },
    interval: INTERVAL,
  });
}

/** Changes only what changed: an item that has the keyboard's focus keeps it. */
function showRecent() {
  const jobs = recentJobs();
  byId("recent").hidden = jobs.length === 0;
  for (const [jobId, item] of strips) {
    if (jobs.some((job) => job.jobId === jobId)) continue;
    item.remove();
    strips.delete(jobId);
  }
  jobs.forEach((job, index) => {
    const item = strips.get(job.jobId) ?? strip(job.jobId);
    strips.set(job.jobId, item);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    item.className = `strip strip-${job.status}`;
    write(item.querySelector(".strip-title"), job.title);
    write(item.querySelector(".hint"), STATES[job.status] ?? `${Math.round(job.progress)}%`);
    item.querySelector("button").ariaLabel = `Take “${job.title}” off this list`;
  });
}

function strip(jobId) {
  const diamond = element("span", { className: "diamond" });
  const title = element("span", { className: "strip-title", dir: "auto" });
  const link = element("a", { href: `#/job/${encodeURIComponent(jobId)}` }, diamond, title);
  const remove = element("button", { type: "button", className: "remove" }, "×");
  remove.addEventListener("click", () => {
    leave(jobId);
    forgetJob(jobId);
    showRecent();
    (list.querySelector("a") ?? byId("feed-title")).focus();
  });
  link.append(element("span", { className: "hint" }));
  return element("li", {}, link, remove);
}
