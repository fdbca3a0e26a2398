/** Asking again and again, politely. */

import { Problem } from "./api.js";

const SLOWEST = 5_000; // ms between questions while nothing changes
const LONGEST_WAIT = 15_000; // ms between tries while nobody answers
const SLOWING = 1.3;

/**
 * Calls `read` until `accept` returns true or the answer is a refusal, which `refuse` gets.
 * It asks every `interval` ms, slower while the answer stays the same, slower still while there is
 * none, not at all while the tab is hidden, and at once when it is shown or the network returns.
 * Returns a function that stops it.
 */
export function poll({ read, accept, refuse, interval = 1_000 }) {
  let timer = null;
  let busy = false;
  let stopped = false;
  let delay = interval;
  let failures = 0;
  let previous = null;

  function stop() {
    stopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", wake);
    window.removeEventListener("online", wake);
  }

  function wake() {
    clearTimeout(timer);
    if (!stopped && !busy && !document.hidden) turn();
  }

  function take(answer) {
    const text = JSON.stringify(answer);
    delay = text === previous ? Math.min(delay * SLOWING, Math.max(SLOWEST, interval)) : interval;
    previous = text;
    failures = 0;
    if (accept(answer)) stop();
  }

  function fail(error) {
    const refused = error instanceof Problem && error.status < 500 && error.status !== 429;
    if (refused) {
      stop();
      refuse(error);
      return;
    }
    failures += 1;
    delay = Math.min(interval * 2 ** failures, LONGEST_WAIT);
  }

  async function turn() {
    busy = true;
    const [answer, error] = await read().then((value) => [value, null], (reason) => [null, reason]);
    busy = false;
    if (stopped) return;
    if (error) fail(error);
    else take(answer);
    if (!stopped && !document.hidden) timer = setTimeout(turn, delay * (0.8 + 0.4 * Math.random()));
  }

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("online", wake);
  wake();
  return stop;
}
