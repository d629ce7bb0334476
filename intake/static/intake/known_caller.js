/*
 * "Same person?" on the call sheet. The server says who is recorded at the number; here the agent's
 * answer is put into the form, and into nothing else.
 *
 * "Same person" sets caller-same_as and fills the fields that are still as the page brought them.
 * "Somebody else", or another number, clears it again; what was filled stays for the agent to see.
 */
"use strict";
{
  const place = document.getElementById("known-caller");
  const sheet = document.getElementById("call-sheet");
  const chosen = sheet && sheet.elements["caller-same_as"];

  const buttons = () => [...place.querySelectorAll("button[data-same-as]")];

  const setChecked = (box) => {
    if (!box.checked && box.checked === box.defaultChecked) {
      box.checked = true;
      return true;
    }
    return false;
  };

  const setRadio = (radios, value) => {
    const untouched = radios.every((radio) => radio.checked === radio.defaultChecked);
    const wanted = radios.find((radio) => radio.value === value);
    if (untouched && wanted && !wanted.checked) {
      wanted.checked = true;
      return wanted;
    }
    return null;
  };

  const fill = (name, value) => {
    const found = sheet.elements[name];
    if (!found) {
      return;
    }
    let changed = null;
    if (found instanceof RadioNodeList) {
      changed = setRadio([...found], value);
    } else if (found.type === "checkbox") {
      changed = setChecked(found) ? found : null;
    } else if (found.value === "") {
      found.value = value;
      changed = found;
    }
    if (changed) {
      changed.dispatchEvent(new Event("input", { bubbles: true }));
      changed.dispatchEvent(new Event("change", { bubbles: true }));
      const details = changed.closest("details");
      if (details) {
        details.open = true;
      }
    }
  };

  const show = () => {
    for (const button of buttons()) {
      button.setAttribute("aria-pressed", String(button.dataset.sameAs === chosen.value));
    }
  };

  const choose = (button) => {
    chosen.value = button.dataset.sameAs;
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
    if (chosen.value) {
      const person = button.closest("[data-known-person]");
      for (const filling of person.querySelectorAll("[data-fills]")) {
        fill(filling.dataset.fills, filling.value);
      }
    }
    show();
    const status = place.querySelector("[data-known-status]");
    status.textContent = chosen.value ? status.dataset.same : status.dataset.other;
  };

  const forget = () => {
    const offered = buttons().map((button) => button.dataset.sameAs);
    if (!offered.includes(chosen.value)) {
      chosen.value = "";
    }
    show();
  };

  if (place && chosen) {
    place.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-same-as]");
      if (button) {
        choose(button);
      }
    });
    place.addEventListener("htmx:afterSwap", forget);
    forget();
  }
}
