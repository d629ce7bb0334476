/*
 * Comforts of the call sheet. It works without this file; nothing is stored, nothing is sent.
 *
 * On a question of the safety screen, Y, N and U answer it and go to the next one. Escape leaves a
 * field, so that the single keys of the page work; Ctrl and S save from anywhere.
 */
"use strict";
{
  const sheet = document.getElementById("call-sheet");
  const KEYS = { y: "yes", n: "no", u: "unknown" };

  const groupsIn = (block) => [...block.querySelectorAll("fieldset.field")];

  const answer = (group, value) => {
    const radio = group.querySelector(`input[type="radio"][value="${value}"]`);
    if (!radio) {
      return false;
    }
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    const all = [...sheet.querySelectorAll(".answers")].flatMap(groupsIn);
    const next = all[all.indexOf(group) + 1];
    const target = next && (next.querySelector("input:checked") || next.querySelector("input"));
    (target || radio).focus();
    return true;
  };

  sheet.addEventListener("keydown", (event) => {
    const value = KEYS[event.key.toLowerCase()];
    const group = event.target.closest(".answers fieldset.field");
    if (!value || !group || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (answer(group, value)) {
      event.preventDefault();
    }
  });

  sheet.addEventListener("keydown", (event) => {
    const section = event.target.closest(".form-section");
    const isText = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
    if (event.key === "Escape" && section && isText && !event.defaultPrevented) {
      const heading = section.querySelector("h2");
      heading.tabIndex = -1;
      heading.focus();
    }
  });

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      sheet.querySelector(".sheet-foot [name=then][value=screened]").click();
    }
  });

  // How long they have talked, and how long the work after it takes.
  const two = (number) => String(number).padStart(2, "0");

  const tick = () => {
    for (const clock of document.querySelectorAll("[data-clock-since]")) {
      const seconds = Math.max(0, Math.round((Date.now() - new Date(clock.dataset.clockSince)) / 1000));
      const hours = Math.floor(seconds / 3600);
      const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
      clock.textContent = hours ? `${hours}:${rest}` : rest;
    }
  };

  tick();
  setInterval(tick, 1000);
}
