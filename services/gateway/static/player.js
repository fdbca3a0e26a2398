/** The finished video: to watch, to keep and to pass on. */

import { byId, element, safeUrl, write } from "./dom.js";

const video = byId("video");

export function clearPlayer() {
  byId("player").hidden = true;
  video.pause();
  video.removeAttribute("src");
  video.removeAttribute("poster");
  video.replaceChildren();
  video.load();
  write(byId("copied"), "");
}

/** Shows the player as soon as there is a video; once it is there, it is left alone. */
export function showPlayer({ video_url, thumbnail_url, captions, language }) {
  const address = safeUrl(video_url);
  if (!address || video.hasAttribute("src")) return;
  const poster = safeUrl(thumbnail_url);
  if (poster) video.poster = poster.href;
  const words = safeUrl(captions?.vtt);
  if (words) addCaptions(words, language ?? "en");
  video.src = address.href;
  showLink(byId("download"), address);
  showLink(byId("vtt"), words);
  showLink(byId("srt"), safeUrl(captions?.srt));
  byId("player").hidden = false;
}

/** The video has its captions burned in, so the track is loaded but not shown until it is asked for. */
function addCaptions(address, language) {
  const track = element("track", { kind: "captions", label: "Captions", srclang: language, src: address.href });
  video.append(track);
  track.track.mode = "hidden";
}

/** The gateway names a file after its video when it is asked for as a download. */
function showLink(link, address) {
  link.hidden = !address;
  if (!address) return;
  const saved = new URL(address);
  if (saved.origin === location.origin) saved.searchParams.set("download", "true");
  link.href = saved.href;
}

byId("copy").addEventListener("click", async () => {
  write(byId("copied"), (await copy(location.href)) ? "Link copied." : `Copy it from here: ${location.href}`);
});

/** The clipboard exists on https and localhost alone. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
