/*
 * Comforts of the call sheet. It works without this file; nothing is stored, nothing is sent.
 *
 * On a question of the safety screen, Y, N and U answer it and go to the next one.
 * A tab closed with something unsaved asks first.
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

  let unsaved = sheet.querySelector(".error-summary") !== null;
  sheet.addEventListener("input", () => {
    unsaved = true;
  });
  sheet.addEventListener("submit", () => {
    unsaved = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (unsaved) {
      event.preventDefault();
    }
  });
}
