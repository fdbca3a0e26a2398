/** The feed: the newest videos, by style, a page at a time. */

import { getFeed } from "./api.js";
import { ago, byId, clock, element, safeUrl, write } from "./dom.js";

const list = byId("feed-list");
const more = byId("feed-more");

let style = null;
let cursor = null;
let missed = false; // The last question had no answer.
let latest = 0; // Answers to an older question are dropped.

/** Wires the feed and loads its first page. */
export function startFeed() {
  more.addEventListener("click", () => load(cursor, true));
  refreshFeed();
}

/** Reads the newest videos again. */
export const refreshFeed = () => load(null, false);

/** Reads the newest videos again if they could not be read the last time. */
export function recoverFeed() {
  if (missed) refreshFeed();
}

/** Offers a choice of styles. */
export function showFeedStyles(names) {
  const chips = [null, ...names].map((name) => {
    const chip = element("button", { type: "button", className: "chip", ariaPressed: String(name === style) }, name ?? "All");
    chip.addEventListener("click", () => {
      style = name;
      for (const other of chips) other.ariaPressed = String(other === chip);
      load(null, true);
    });
    return chip;
  });
  byId("feed-styles").replaceChildren(...chips);
}

async function load(from, byUser) {
  const question = ++latest;
  more.disabled = true;
  try {
    const page = await getFeed({ style, cursor: from, byUser });
    if (question !== latest) return;
    missed = false;
    show(page, from !== null);
  } catch {
    if (question !== latest) return;
    missed = true;
    offerRetry();
  } finally {
    more.disabled = false;
  }
}

function show({ items, next_cursor }, appended) {
  const cards = items.map(card);
  if (appended) list.append(...cards);
  else list.replaceChildren(...cards);
  if (appended) cards[0]?.querySelector("a").focus();
  cursor = next_cursor;
  more.hidden = cursor === null;
  write(more, "Load more");
  const none = style ? `No ${style} videos yet.` : "Nothing here yet. The first video is yours to make.";
  write(byId("feed-note"), list.children.length ? "" : none);
}

function offerRetry() {
  write(byId("feed-note"), "The videos could not be loaded.");
  write(more, "Try again");
  more.hidden = false;
}

function card({ jobId, title, style: manner, thumbnail_url, duration, completed_at }) {
  const frame = element("span", { className: "thumb" });
  const picture = safeUrl(thumbnail_url);
  if (picture) frame.append(element("img", { src: picture.href, alt: "", loading: "lazy", decoding: "async" }));
  if (typeof duration === "number") frame.append(element("span", { className: "duration" }, clock(duration)));
  const name = element("strong", { dir: "auto" }, title || "Untitled");
  const notes = element("span", { className: "hint" }, [manner, ago(completed_at)].filter(Boolean).join(" · "));
  return element("li", {}, element("a", { className: "feed-card", href: `#/job/${encodeURIComponent(jobId)}` }, frame, name, notes));
}
