/*
 * The safety panel on a narrow window: its bar opens what it stands for, over the page, and closes
 * it again without leading anywhere else. Without this file the links of the bar do it.
 */
"use strict";
{
  const frame = document.getElementById("safety");

  const show = (isOpen, focus) => {
    frame.toggleAttribute("data-open", isOpen);
    document.getElementById(focus)?.focus({ preventScroll: true });
  };

  frame.dataset.scripted = "";
  frame.toggleAttribute("data-open", ["#found", "#safety-detail"].includes(location.hash));

  frame.addEventListener("click", (event) => {
    if (event.target.closest(".safety-open")) {
      event.preventDefault();
      show(true, "safety-detail");
    } else if (event.target.closest(".safety-close")) {
      event.preventDefault();
      show(false, "safety-open");
    }
  });

  frame.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && "open" in frame.dataset) {
      event.preventDefault();
      show(false, "safety-open");
    }
  });
}
