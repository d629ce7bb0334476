/*
 * Symptoms on the call sheet by single keys; it works without this file.
 *
 * On a symptom 0, 1, 2 and 3 mean none, mild, moderate and severe, U unknown, and the next symptom
 * has the focus.
 */
"use strict";
{
  const grid = document.querySelector(".severities");
  const KEYS = { 0: "none", 1: "mild", 2: "moderate", 3: "severe", u: "unknown" };

  grid.addEventListener("keydown", (event) => {
    const value = KEYS[event.key.toLowerCase()];
    const group = event.target.closest("fieldset.field");
    if (!value || !group || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    event.preventDefault();
    const radio = group.querySelector(`input[value="${value}"]`);
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
    const next = group.nextElementSibling;
    (next?.querySelector("input:checked") || next?.querySelector("input") || radio).focus();
  });
}
