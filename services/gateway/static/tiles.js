/** The storyboard: one tile a scene, each filled as its keyframe is painted. */

import { byId, element, safeUrl, write } from "./dom.js";

const list = byId("tiles");

export function clearTiles() {
  list.replaceChildren();
  list.classList.remove("painting");
  delete list.dataset.shape;
  byId("storyboard").hidden = true;
}

/** Lays out `scene_count` tiles and puts each keyframe on the tile of its scene (1 is the first). */
export function showTiles({ scene_count: count, aspect_ratio: shape, keyframes, stage, status }) {
  list.dataset.shape = shape ?? "";
  while (list.children.length < count) list.append(emptyTile(list.children.length + 1));
  while (list.children.length > count) list.lastElementChild.remove();
  for (const { scene, url } of keyframes ?? []) {
    const tile = list.children[scene - 1];
    const address = safeUrl(url);
    if (tile && address) paint(tile, address, scene);
  }
  showCount();
  const willPaint = status === "queued" || status === "processing";
  byId("storyboard").hidden = !willPaint && !keyframes?.length;
  list.classList.toggle("painting", stage === "images" && status === "processing");
}

function showCount() {
  write(byId("storyboard-count"), `${list.querySelectorAll(".tile-painted").length} of ${list.children.length}`);
}

function emptyTile(scene) {
  return element("li", { className: "tile" }, element("span", { className: "tile-number" }, String(scene)));
}

/** Signed addresses differ in their query at each reading; the picture is the same while its path is. */
function paint(tile, address, scene) {
  const path = address.origin + address.pathname;
  if (tile.dataset.path === path) return;
  tile.dataset.path = path;
  const picture = element("img", { alt: `Keyframe of scene ${scene}`, decoding: "async" });
  picture.addEventListener("load", () => {
    tile.querySelector("img")?.remove();
    tile.prepend(picture);
    tile.classList.add("tile-painted");
    showCount();
  });
  picture.addEventListener("error", () => delete tile.dataset.path); // The next reading tries again.
  picture.src = address.href;
}
