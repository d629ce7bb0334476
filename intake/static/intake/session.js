/*
 * A session that ends while a page is open. The page and what was typed in it stay: a dialog lets
 * the same person sign in again without leaving, and puts the new token into every form.
 *
 *   helpline.session.state()   "here", "away" (nobody is signed in), "other", or "offline"
 *   helpline.session.ask(why)  opens the dialog; why is "away" or "other"
 *   helpline:signed-in         event on document, once the page may send again
 *   helpline:not-now           event on document: the dialog was closed without signing in
 */
"use strict";
{
  const dialog = document.getElementById("sign-in-again");
  const LOOK_EVERY = 60000;
  const PATIENCE = 8000;

  // htmx notes the address of the page; nothing of this desk stays in a browser's storage.
  sessionStorage.removeItem("htmx-current-path-for-history");

  const tell = (name) => document.dispatchEvent(new CustomEvent(`helpline:${name}`));

  const putToken = (token) => {
    for (const input of document.querySelectorAll("input[name=csrfmiddlewaretoken]")) {
      input.value = token;
    }
    return token;
  };

  const look = async () => {
    const response = await fetch(dialog.dataset.stateUrl, {
      headers: { "X-Helpline-Poll": "1" },
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status !== 200 && response.status !== 401) {
      throw new Error("no answer");
    }
    return response.json();
  };

  const state = async () => {
    try {
      const { user, token } = await look();
      putToken(token);
      if (!user) {
        return "away";
      }
      return user === dialog.dataset.user ? "here" : "other";
    } catch {
      return "offline";
    }
  };

  const say = (word) => {
    for (const line of dialog.querySelectorAll("[data-refused], [data-other], [data-offline]")) {
      line.hidden = !(word in line.dataset);
    }
  };

  const ask = (why) => {
    // One that is open says what came of the last try, whatever else is refused meanwhile.
    if (!dialog.open) {
      say(why);
      dialog.showModal();
      dialog.querySelector("input[type=password]").focus();
    }
  };

  const signIn = async (form) => {
    const password = form.elements.password;
    try {
      const { token } = await look();
      const body = new URLSearchParams(new FormData(form));
      body.set("csrfmiddlewaretoken", token);
      // Signed in, the answer leads elsewhere; refused, it is the form again.
      await fetch(form.action, { method: "POST", body, redirect: "manual" });
    } catch {
      say("offline");
      return;
    }
    password.value = "";
    const now = await state();
    if (now === "here") {
      dialog.close("signed-in");
      tell("signed-in");
      return;
    }
    say({ away: "refused", other: "other", offline: "offline" }[now]);
    password.focus();
  };

  if (dialog) {
    window.helpline = { ...window.helpline, session: { state, ask } };

    dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      signIn(event.target);
    });
    dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close(""));
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "signed-in") {
        tell("not-now");
      }
      dialog.returnValue = "";
    });

    const lookAgain = async () => {
      const now = await state();
      if (now === "here") {
        tell("signed-in");
      } else if (now !== "offline") {
        ask(now);
      }
    };

    document.addEventListener("htmx:responseError", (event) => {
      const { status } = event.detail.xhr;
      if (status === 401) {
        ask("away");
      } else if (status === 403) {
        // Perhaps signed in again on another page, which changed the token.
        lookAgain();
      }
    });

    // A page left open must not show a caller to whoever comes by after the session ended.
    setInterval(async () => {
      const now = dialog.open ? "open" : await state();
      if (now === "away" || now === "other") {
        ask(now);
      }
    }, LOOK_EVERY);
  }
}
