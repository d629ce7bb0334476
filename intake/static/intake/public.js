/*
 * Leaving quickly. Without this file the exit is a plain link; with it, the page is emptied at once
 * and replaced in the history, so that "back" does not return here. Shift three times does the same.
 */
"use strict";
{
  const exit = document.querySelector("a.exit");

  const leave = () => {
    document.querySelectorAll("form").forEach((form) => form.reset());
    document.title = "";
    document.body.replaceChildren();
    window.location.replace(exit.href);
  };

  if (exit) {
    exit.addEventListener("click", (event) => {
      event.preventDefault();
      leave();
    });

    let presses = [];
    document.addEventListener("keyup", (event) => {
      if (event.key !== "Shift") {
        presses = [];
        return;
      }
      const now = event.timeStamp;
      presses = presses.filter((then) => now - then < 5000).concat(now);
      if (presses.length >= 3) {
        leave();
      }
    });

    // A page kept in the browser's memory must not come back with what was typed in it.
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) {
        window.location.reload();
      }
    });
  }
}
