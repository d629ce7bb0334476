/*
 * The call sheet while it is being filled in: every change asks the server what the rules say now.
 *
 * The answer is a list of parts. One that has not changed is left alone, so that neither the focus
 * nor a screen reader stumbles over it; one that has keeps what was opened or chosen in it.
 */
"use strict";
{
  const sheet = document.getElementById("call-sheet");
  const WAIT = 250;
  // Each part as the server sent it last: the page may have opened or ticked something since.
  const sent = new Map();
  let timer = 0;

  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(() => window.htmx.trigger("#live", "live"), WAIT);
  };

  sheet.addEventListener("change", ask);
  sheet.addEventListener("input", (event) => {
    if (event.target.closest("[data-live]")) {
      ask();
    }
  });

  const keepState = (now, next) => {
    for (const block of now.querySelectorAll("details[id]")) {
      const same = next.querySelector(`#${CSS.escape(block.id)}`);
      if (same) {
        same.open = block.open;
      }
    }
    for (const field of now.querySelectorAll("input[id]")) {
      const same = next.querySelector(`#${CSS.escape(field.id)}`);
      if (same) {
        same.checked = field.checked;
      }
    }
  };

  let hadFocus = null;

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    const next = fragment.firstElementChild;
    if (next.isEqualNode(sent.get(target.id) ?? target)) {
      event.detail.shouldSwap = false;
      return;
    }
    sent.set(target.id, next.cloneNode(true));
    keepState(target, next);
    if (target.contains(document.activeElement)) {
      hadFocus = target.id;
    }
  });

  // htmx gives the focus back to what has the same id; what is gone leaves it to its own part.
  const giveFocusBack = () => {
    if (hadFocus && document.activeElement === document.body) {
      const part = document.getElementById(hadFocus);
      const place = part.hidden ? document.getElementById("danger-heading") : part;
      place.tabIndex = -1;
      place.focus({ preventScroll: true });
    }
    hadFocus = null;
  };

  // --- Saying it -----------------------------------------------------------------------------

  const told = () => {
    const panel = document.getElementById("safety-panel");
    const level = panel.querySelector(".level").textContent.trim();
    const line = panel.querySelector(".safety-bar-line").textContent.trim();
    const emergency = document.getElementById("emergency");
    const scripts = [...emergency.querySelectorAll(".script > h3")].map((at) => at.textContent);
    return { level: `${level}. ${line}`, emergency: scripts.join(". "), waits: !emergency.hidden };
  };

  let before = told();

  const announce = () => {
    const now = told();
    if (now.waits && (!before.waits || now.emergency !== before.emergency)) {
      const alert = document.getElementById("emergency-announcement");
      alert.textContent = `${document.getElementById("emergency-heading").textContent}. ${now.emergency}`;
      if (!before.waits) {
        document.getElementById("emergency").scrollIntoView({ block: "start" });
      }
    } else if (now.level !== before.level) {
      document.getElementById("level-announcement").textContent = now.level;
    }
    if (!now.waits) {
      document.getElementById("emergency-announcement").textContent = "";
    }
    before = now;
  };

  document.addEventListener("htmx:afterSettle", () => {
    giveFocusBack();
    announce();
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const clock = document.getElementById("call-clock");
    const ended = sheet.querySelector("[name=call-ended_at]");
    if (event.detail.successful && ended && clock.dataset.ended && !ended.value) {
      ended.value = clock.dataset.ended;
      ended.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  // --- The line ------------------------------------------------------------------------------

  document.addEventListener("htmx:sendError", () => {
    document.dispatchEvent(new CustomEvent("helpline:offline"));
  });
  document.addEventListener("helpline:signed-in", ask);
  document.addEventListener("helpline:online", ask);

  // A sheet that came back with something typed on it.
  if ("typed" in sheet.dataset) {
    ask();
  }
}
