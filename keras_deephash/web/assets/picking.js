// A picture of the user's: dropped, pasted or chosen.

/**
 * Calls a function with each picture that is dropped, pasted or chosen.
 *
 * @param {HTMLInputElement} input for files.
 * @param {(file: File) => void} onPicture
 */
export function onPictures(input, onPicture) {
  input.addEventListener("change", () => {
    if (input.files.length) onPicture(input.files[0]);
    input.value = ""; // The same file may be chosen again.
  });
  addEventListener("paste", (event) => {
    const file = pictureIn(event.clipboardData);
    if (file) onPicture(file);
  });
  addEventListener("dragover", (event) => {
    event.preventDefault(); // Else the browser would show the file itself.
    document.body.classList.add("dropping");
  });
  addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    const file = pictureIn(event.dataTransfer);
    if (file) onPicture(file);
  });
}

function pictureIn(transfer) {
  const files = [...(transfer?.files ?? [])];
  return files.find((file) => file.type.startsWith("image/")) ?? files[0];
}
