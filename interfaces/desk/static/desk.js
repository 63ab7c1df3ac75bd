// Keys for those who work through many: whatever carries data-key is chosen or pressed by that key.
// Everything works without this file.
"use strict";
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const at = event.target;
  if (at.matches("input:not([type=radio]):not([type=checkbox]), textarea, select")) return;
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!found) return;
  event.preventDefault();
  if (found.matches("input")) {
    found.checked = true;
    found.focus();
  } else {
    found.click();
  }
});
