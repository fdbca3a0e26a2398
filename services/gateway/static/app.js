/** KeyFrame's page: what is shown when. */

import { connection, getStyles, setTokenPrompt } from "./api.js";
import { announce, byId, write } from "./dom.js";
import { recoverFeed, refreshFeed, showFeedStyles, startFeed } from "./feed.js";
import { fillForm, startForm } from "./form.js";
import { closeJob, openJob } from "./job.js";
import { poll } from "./poll.js";
import { addJob, followRecent, noteJob } from "./recent.js";
import { promptForToken } from "./token.js";

let shown = null; // The last status of the job that is open.

const jobIdOf = (hash) => decode(/^#\/job\/([^/]+)$/.exec(hash)?.[1] ?? null);

function decode(part) {
  try {
    return part && decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Shows what the address asks for: a job, or the form. */
function route(moveFocus) {
  const jobId = jobIdOf(location.hash);
  byId("compose").hidden = jobId !== null;
  byId("job").hidden = jobId === null;
  shown = null;
  if (jobId === null) {
    closeJob();
    document.title = "KeyFrame";
  } else {
    openJob(jobId, { onStatus, onUnknown: () => announce("There is no such video.") });
  }
  followRecent(jobId, refreshFeed);
  if (!moveFocus) return;
  window.scrollTo({ top: 0 });
  byId(jobId === null ? "compose-title" : "job-title").focus({ preventScroll: true });
}

function onStatus(job) {
  shown = job;
  if (noteJob(job)) refreshFeed();
}

function accept(jobId, { prompt }) {
  addJob(jobId, prompt);
  location.hash = `#/job/${encodeURIComponent(jobId)}`;
}

byId("again").addEventListener("click", () => {
  const job = shown;
  location.hash = "#/";
  window.addEventListener("hashchange", () => fillForm(job), { once: true });
});

connection.addEventListener("lost", () => {
  byId("connection").hidden = false;
  write(byId("connection"), "KeyFrame cannot be reached. Trying again…");
  // Nobody else may be asking just now.
  poll({ read: getStyles, accept: () => true, refuse: () => {} });
});
connection.addEventListener("found", () => {
  byId("connection").hidden = true;
  write(byId("connection"), "");
  announce("Connected again.");
  recoverFeed();
});

setTokenPrompt(promptForToken);
// By hand, so that the address goes on to name the job.
byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("main").focus();
});
window.addEventListener("hashchange", () => route(true));
startForm(accept, showFeedStyles);
startFeed();
route(false);
