/*
 * Keys of a page. Whatever carries data-shortcut="x" and data-shortcut-label="..." answers to that
 * key and stands in the list that "?" opens: a button or link is pressed, anything else is gone to.
 * data-shortcut-note="Y N U" puts keys into the list that another script answers to.
 *
 * Single keys are silent while a text field, a list or a dialog has the focus, and can be turned
 * off in the list for as long as the page is open.
 */
"use strict";
{
  const dialog = document.getElementById("shortcuts");
  const TAKES_TEXT =
    "input:not([type=radio], [type=checkbox], [type=button], [type=submit]), textarea, select," +
    " [contenteditable], [role=combobox], [role=listbox]";
  const CAN_HAVE_FOCUS =
    "input:not([type=hidden], :disabled), select:not(:disabled), textarea:not(:disabled)," +
    " button:not(:disabled, [tabindex='-1'])";

  const isShown = (element) => element.checkVisibility();

  const shown = (attribute) => [...document.querySelectorAll(`[${attribute}]`)].filter(isShown);

  const goTo = (place) => {
    // A link is gone to only where nothing can be filled in or pressed.
    const firstOf = (wanted) => [...place.querySelectorAll(wanted)].find(isShown);
    const first = firstOf(CAN_HAVE_FOCUS) || firstOf("a[href]");
    const group = first?.type === "radio" && place.querySelector(`[name="${first.name}"]:checked`);
    (group || first || place).focus();
    place.scrollIntoView({ block: "start" });
  };

  const press = (element) => {
    if (element.matches("button, a[href], summary")) {
      element.click();
    } else if (element.matches("input, select, textarea")) {
      element.focus();
    } else {
      goTo(element);
    }
  };

  const line = (keys, label) => {
    const row = document.createElement("div");
    const term = row.appendChild(document.createElement("dt"));
    for (const key of keys.split(" ")) {
      term.appendChild(document.createElement("kbd")).textContent = key.toUpperCase();
    }
    row.appendChild(document.createElement("dd")).textContent = label;
    return row;
  };

  const open = () => {
    const list = dialog.querySelector("[data-list]");
    list.replaceChildren(
      ...shown("data-shortcut-note").map((at) =>
        line(at.dataset.shortcutNote, at.dataset.shortcutLabel),
      ),
      ...shown("data-shortcut").map((at) => line(at.dataset.shortcut, at.dataset.shortcutLabel)),
      line("?", dialog.dataset.label),
    );
    dialog.showModal();
  };

  if (dialog) {
    const isOn = dialog.querySelector("[data-switch]");
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
    for (const button of document.querySelectorAll("[data-open-shortcuts]")) {
      button.hidden = false;
      button.addEventListener("click", open);
    }

    document.addEventListener("keydown", (event) => {
      const isHeld = event.ctrlKey || event.metaKey || event.altKey || event.repeat;
      const isBusy = document.querySelector("dialog[open]") || event.defaultPrevented;
      if (isHeld || isBusy || !isOn.checked || event.target.closest(TAKES_TEXT)) {
        return;
      }
      if (event.key === "?") {
        event.preventDefault();
        open();
        return;
      }
      const key = event.key.toLowerCase();
      const target = shown("data-shortcut").find((at) => at.dataset.shortcut === key);
      if (target && !target.disabled) {
        event.preventDefault();
        press(target);
      }
    });
  }
}
