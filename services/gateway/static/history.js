/** The jobs of this browser, kept in localStorage where there is one. */

const NAME = "keyframe.recent";
const MOST = 12;

function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(NAME) ?? "[]");
    return Array.isArray(kept) ? kept.filter((job) => typeof job?.jobId === "string") : [];
  } catch {
    return [];
  }
}

let jobs = read();

function keep(changed) {
  jobs = changed.slice(0, MOST);
  try {
    localStorage.setItem(NAME, JSON.stringify(jobs));
  } catch {
    // Full or forbidden: the list lives as long as the page.
  }
}

/** The jobs, the newest first: {jobId, title, status, progress}. */
export const recentJobs = () => jobs;

/** Puts a job on top, or what is now known of it in its place. */
export function rememberJob(job) {
  const known = jobs.some((other) => other.jobId === job.jobId);
  if (known) keep(jobs.map((other) => (other.jobId === job.jobId ? { ...other, ...job } : other)));
  else keep([job, ...jobs]);
}

export function forgetJob(jobId) {
  keep(jobs.filter((job) => job.jobId !== jobId));
}
