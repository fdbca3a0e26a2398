/** The few things that every part does with the document. */

export const byId = (id) => document.getElementById(id);

/** An element with its properties and children; strings become text, never markup. */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The address if it is of this site or https, otherwise null: an API's answer is not to be trusted with `javascript:`. */
export function safeUrl(value) {
  if (typeof value !== "string" || value === "") return null;
  let url;
  try {
    url = new URL(value, document.baseURI);
  } catch {
    return null;
  }
  return url.origin === location.origin || url.protocol === "https:" ? url : null;
}

/** Writes text only where it changed, so that live regions speak once. */
export function write(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Tells people who listen to the page what happened. */
export function announce(text) {
  write(byId("announcer"), text);
}

/** 61.7 → "1:02". */
export function clock(seconds) {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** A moment as people say it: "3 minutes ago", or its date when it is more than a week old. */
export function ago(moment, now = Date.now()) {
  const seconds = Math.max(0, (now - Date.parse(moment)) / 1000);
  if (Number.isNaN(seconds)) return "";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  if (seconds < 60) return "just now";
  if (seconds < 3600) return words.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return words.format(-Math.floor(seconds / 3600), "hour");
  if (seconds < 604_800) return words.format(-Math.floor(seconds / 86_400), "day");
  return new Date(moment).toLocaleDateString("en", { dateStyle: "medium" });
}

/** The number of characters as the API counts them: code points, not UTF-16 units. */
export const characters = (text) => [...text].length;
