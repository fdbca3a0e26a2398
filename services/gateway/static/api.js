/** The gateway's API: every request of the page goes through here. */

const ROOT = "api/v1";
const PATIENCE = 15_000; // ms until a request counts as lost
const AWAY = [502, 503, 504]; // The server behind a proxy, or what the gateway itself reads from.
const TOKEN = "keyframe.token";

/** An answer that says no: an RFC 9457 problem, or its status alone. */
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = null) {
    super(body.detail || body.title || `The server answered ${status}.`);
    this.status = status;
    this.errors = Array.isArray(body.errors) ? body.errors : [];
    this.retryAfter = retryAfter;
  }
}

/** No answer, or one that only says that somebody is away: the same request may succeed later. */
export class Unreachable extends Error {
  constructor() {
    super("KeyFrame cannot be reached.");
  }
}

/** Dispatches "lost" and "found" as the connection goes and comes back. */
export const connection = new EventTarget();

let lost = false;
function noteConnection(isLost) {
  if (lost === isLost) return;
  lost = isLost;
  connection.dispatchEvent(new Event(isLost ? "lost" : "found"));
}

let token = null;
try {
  token = sessionStorage.getItem(TOKEN);
} catch {
  // A browser that keeps nothing: the token lives as long as the page.
}

let askForToken = async () => null;
/** Sets the function that asks the user for a token: (refused: boolean) → Promise of a token or null. */
export function setTokenPrompt(ask) {
  askForToken = ask;
}

let asking = null;
let declined = false;
/** Asks once however many requests need the answer; a user who declined is asked again only for what they do themselves. */
async function renewToken(refused, byUser) {
  if (refused !== token) return true; // Another request has been given a new one meanwhile.
  if (declined && !byUser) return false;
  asking ??= askForToken(token !== null).finally(() => (asking = null));
  const given = await asking;
  declined = given === null;
  if (declined) return false;
  token = given;
  try {
    sessionStorage.setItem(TOKEN, token);
  } catch {
    // As above.
  }
  return true;
}

async function request(path, { method = "GET", headers = {}, body = null, byUser = false } = {}) {
  const used = token;
  const authorization = used === null ? {} : { Authorization: `Bearer ${used}` };
  let response, answer;
  try {
    response = await fetch(`${ROOT}/${path}`, {
      method,
      body,
      cache: "no-store",
      headers: { Accept: "application/json", ...authorization, ...headers },
      signal: AbortSignal.timeout(PATIENCE),
    });
    answer = await response.json().catch((error) => {
      if (error instanceof SyntaxError) return null;
      throw error;
    });
    if (AWAY.includes(response.status) && (answer === null || method === "GET")) throw new Unreachable();
  } catch {
    noteConnection(true);
    throw new Unreachable();
  }
  noteConnection(false);
  if (response.status === 401 && (await renewToken(used, byUser))) {
    return request(path, { method, headers, body, byUser });
  }
  if (!response.ok || answer === null) {
    throw new Problem(response.status, answer ?? {}, response.headers.get("Retry-After"));
  }
  return answer;
}

export const getStyles = () => request("styles");
export const getVoices = () => request("voices");
export const getStatus = (jobId) => request(`status/${encodeURIComponent(jobId)}`);

/** A page of finished videos, the newest first. */
export function getFeed({ style = null, cursor = null, byUser = false }) {
  const query = new URLSearchParams({ limit: "20" });
  if (style) query.set("style", style);
  if (cursor) query.set("cursor", cursor);
  return request(`feed?${query}`, { byUser });
}

/** Asks for a video; the same key and body, sent again, make no second one. */
export function generate(body, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  return request("generate", { method: "POST", headers, body, byUser: true });
}

/** Stops a job; its status, the same however often it is asked. */
export const cancel = (jobId) => request(`jobs/${encodeURIComponent(jobId)}`, { method: "DELETE", byUser: true });

/** A random UUID, also where the page came over plain http and `crypto.randomUUID` is missing. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
