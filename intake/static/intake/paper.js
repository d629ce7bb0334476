/* The button that opens the print dialog; without this file Ctrl+P does the same. */
"use strict";
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
