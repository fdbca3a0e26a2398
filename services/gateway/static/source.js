/** A text file, chosen or dropped, as the script's source. */

const MOST_BYTES = 1_000_000; // Far above the limit on characters: reading more would only freeze the page.

async function readText(file) {
  if (file.size > MOST_BYTES) throw new Error(`${file.name} is too large for a source text.`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error(`${file.name} is not a UTF-8 text file.`);
  }
}

/** Lets the user drop or choose a text file; `fill` gets its text, `refuse` a sentence. */
export function takeDrops({ sheet, picker, fill, refuse }) {
  const take = (file) => readText(file).then(fill, (error) => refuse(error.message));
  const carries = (event) => event.dataTransfer.types.includes("Files");

  picker.addEventListener("change", () => {
    if (picker.files[0]) take(picker.files[0]);
    picker.value = ""; // The same file can be chosen again.
  });
  // Anywhere on the page: a file dropped beside the sheet would otherwise replace the page.
  document.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    sheet.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) sheet.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    sheet.classList.remove("dropping");
    if (!sheet.hidden && event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
