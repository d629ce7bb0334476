/*
 * Nothing typed on a call sheet is lost: the page sends it to the server every few seconds, says so
 * when the line or the session is gone, and tries again. It keeps nothing in the browser's storage.
 *
 * A button first asks whether the session lives, so that no press leads to a page without the text.
 */
"use strict";
{
  const sheet = document.getElementById("call-sheet");
  const state = document.getElementById("draft-state");
  const notice = document.getElementById("connection");
  const { session } = window.helpline;
  const QUIET = 1500;
  const LONGEST = 5000;
  const FIRST_RETRY = 2000;
  const LAST_RETRY = 20000;
  const PATIENCE = 10000;

  let isUnsent = "typed" in sheet.dataset;
  let isLeaving = false;
  let isSubmitted = false;
  let request = null;
  let answered = null;
  let timer = 0;
  let firstChange = 0;
  let retry = FIRST_RETRY;
  let pressed = null;

  const say = (kind) => {
    const text = kind ? notice.dataset[kind] : "";
    if (notice.textContent !== text) {
      notice.textContent = text;
      notice.dataset.shown = kind;
    }
  };

  const sendIn = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(send, wait);
  };

  const nameInAddress = () => {
    const address = new URL(location.href);
    if ("stored" in sheet.dataset || address.searchParams.has("sheet")) {
      return;
    }
    // A reload then finds what was typed.
    address.searchParams.set("sheet", sheet.elements.call_id.value);
    history.replaceState(null, "", address);
  };

  const isOut = () => ["lost", "unsent"].includes(notice.dataset.shown);

  const kept = (response) => {
    if (isOut()) {
      document.dispatchEvent(new CustomEvent("helpline:online"));
      say("back");
    } else if (notice.dataset.shown !== "back") {
      say("");
    }
    retry = FIRST_RETRY;
    nameInAddress();
    if (isUnsent) {
      // Typed since: of that nothing is kept yet.
      sendIn(QUIET);
    } else {
      state.textContent = `${state.dataset.kept} ${response.headers.get("Helpline-Kept-At")}`;
    }
  };

  const lost = () => {
    isUnsent = true;
    state.textContent = "";
    // Whoever pressed a button goes on reading that it was in vain.
    say(notice.dataset.shown === "unsent" ? "unsent" : "lost");
    sendIn(retry);
    retry = Math.min(retry * 2, LAST_RETRY);
  };

  const refused = async (status) => {
    isUnsent = true;
    const who = status === 401 ? "away" : await session.state();
    if (who === "here" && status === 403) {
      // The token had changed, and is in the form now.
      sendIn(QUIET);
    } else if (who === "offline") {
      lost();
    } else if (status === 422) {
      state.textContent = state.dataset.refused;
    } else {
      say(who === "away" ? "" : "other");
      session.ask(who === "here" ? "other" : who);
    }
  };

  const typed = () => new URLSearchParams(new FormData(sheet));

  const send = async ({ keepalive = false } = {}) => {
    if (isLeaving || !isUnsent || request) {
      return;
    }
    isUnsent = false;
    firstChange = 0;
    request = new AbortController();
    const { signal } = request;
    const patience = setTimeout(() => request?.abort(), PATIENCE);
    answered = fetch(sheet.dataset.draftUrl, {
      method: "POST",
      body: typed(),
      headers: { "HX-Request": "true" },
      keepalive,
      signal,
    }).catch(() => null);
    // Without an answer: no line; or the page is being left, which is no matter.
    const response = await answered;
    clearTimeout(patience);
    request = null;
    if (isLeaving) {
      return;
    }
    if (!response || response.status >= 500) {
      lost();
    } else if (response.status === 204) {
      kept(response);
    } else {
      await refused(response.status);
    }
  };

  const changed = () => {
    isUnsent = true;
    if (isOut()) {
      return;
    }
    if (notice.dataset.shown === "back") {
      say("");
    }
    firstChange ||= Date.now();
    state.textContent = state.dataset.typing;
    sendIn(Math.max(0, Math.min(QUIET, firstChange + LONGEST - Date.now())));
  };

  sheet.addEventListener("input", changed);
  sheet.addEventListener("change", changed);
  document.addEventListener("helpline:offline", lost);
  window.addEventListener("online", () => {
    if (isUnsent) {
      sendIn(0);
    }
  });
  if (isUnsent) {
    sendIn(QUIET);
  }

  // --- Leaving -------------------------------------------------------------------------------

  // Written out rather than pressed again: the button may have been replaced meanwhile.
  const submit = async (button) => {
    isLeaving = true;
    clearTimeout(timer);
    // What is on its way to be kept must not come in after the sheet is saved: it would be kept
    // again, and giving it up does not call it back.
    await answered;
    const then = document.createElement("input");
    then.type = "hidden";
    then.name = "then";
    then.value = button?.value ?? "draft";
    then.dataset.pressed = "";
    sheet.append(then);
    isSubmitted = true;
    sheet.submit();
  };

  const tryToSubmit = async (button) => {
    if (pressed || isLeaving) {
      return;
    }
    pressed = button ?? sheet.querySelector("[name=then]");
    const who = await session.state();
    if (who === "here") {
      submit(pressed);
      return;
    }
    if (who === "offline") {
      pressed = null;
      isUnsent = true;
      state.textContent = "";
      say("unsent");
      sendIn(retry);
      return;
    }
    session.ask(who);
  };

  sheet.addEventListener("submit", (event) => {
    event.preventDefault();
    tryToSubmit(event.submitter);
  });

  document.addEventListener("helpline:signed-in", () => {
    say("");
    if (pressed) {
      submit(pressed);
    } else {
      sendIn(0);
    }
  });
  document.addEventListener("helpline:not-now", () => {
    pressed = null;
  });

  window.addEventListener("pagehide", () => {
    if (isUnsent && !isSubmitted) {
      const headers = { "HX-Request": "true" };
      fetch(sheet.dataset.draftUrl, { method: "POST", body: typed(), headers, keepalive: true });
    }
  });

  window.addEventListener("pageshow", (event) => {
    if (event.persisted) {
      isLeaving = isSubmitted = false;
      pressed = null;
      sheet.querySelector("[data-pressed]")?.remove();
    }
  });

  window.addEventListener("beforeunload", (event) => {
    if (!isUnsent || isSubmitted) {
      return;
    }
    if (notice.dataset.shown) {
      event.preventDefault();
      return;
    }
    // Before the next page is asked for: a reload then finds the last words, too.
    send({ keepalive: true });
  });
}
