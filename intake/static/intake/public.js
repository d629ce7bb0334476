/*
 * Nobody looking on, or looking later, learns more than they must. Without this file every link and
 * form works as browsers do them; with it
 *
 *   - leaving (the link, or Shift three times) empties the page at once;
 *   - the tab keeps one entry of ours in its history, so that "back" from the page the exit leads
 *     to shows what was there before us;
 *   - a form that did not get through stays as it was typed, and says so, and whose trouble it is;
 *   - a page that is left for any other reason is left empty.
 */
"use strict";
{
  const { solver } = document.currentScript.dataset;
  const exit = document.querySelector("a.exit").href;
  const SHIFTS = 3;
  const SHIFTS_WITHIN = 5_000;
  const LONGEST_WAIT = 30_000;
  const LONGEST_PROOF = 10_000;
  // What a network answers that wants to be signed in to first; it says nothing of our server.
  const NETWORK_SIGN_IN = 511;

  const empty = () => {
    document.body.textContent = "";
  };

  // --- Leaving ----------------------------------------------------------------------------------

  // An answer that comes in after that must not fill the page again.
  let hasLeft = false;

  const leave = () => {
    hasLeft = true;
    empty();
    // Without a title, browsers show the address.
    document.title = "…";
    location.replace(exit);
  };

  let shifts = [];
  document.addEventListener("keyup", ({ key, timeStamp }) => {
    const recent = shifts.filter((then) => timeStamp - then < SHIFTS_WITHIN);
    shifts = key === "Shift" ? [...recent, timeStamp] : [];
    if (shifts.length >= SHIFTS) {
      leave();
    }
  });
  document.addEventListener("pointerdown", () => {
    shifts = [];
  });

  // A page kept in the browser's memory must not come back with what was typed in it.
  addEventListener("pagehide", empty);
  addEventListener("pageshow", ({ persisted }) => {
    if (persisted) {
      location.reload();
    }
  });

  // --- Links ------------------------------------------------------------------------------------

  // What the address of a part of this page would do, without a new entry in the history.
  const jump = (id) => {
    const place = document.getElementById(id);
    if (!place) {
      return;
    }
    if (place.matches("details")) {
      place.open = true;
    }
    const target = place.querySelector(":scope > summary") || place;
    if (target.tabIndex < 0) {
      target.tabIndex = -1;
    }
    target.focus();
    place.scrollIntoView();
  };

  const follow = (link) => {
    if (link.hash && link.pathname === location.pathname) {
      jump(link.hash.slice(1));
    } else {
      location.replace(link.href);
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link) {
      return;
    }
    if (link.matches(".exit")) {
      event.preventDefault();
      leave();
      return;
    }
    const elsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
    if (link.origin === location.origin && !elsewhere) {
      event.preventDefault();
      follow(link);
    }
  });

  // --- Forms ------------------------------------------------------------------------------------

  // Asked for only when a limit is near, and worked on while the form is filled in.
  let proof = Promise.resolve();

  const prove = () => {
    const form = document.querySelector("form[data-challenge]");
    if (!form) {
      return;
    }
    const worker = new Worker(solver);
    proof = new Promise((done) => {
      worker.onmessage = ({ data }) => {
        form.elements.proof.value = data;
        done();
      };
      worker.onerror = done;
      worker.postMessage(form.dataset.challenge);
    }).then(() => worker.terminate());
  };

  const pause = (time) => new Promise((done) => setTimeout(done, time));

  const show = (html, address) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    if (!page.getElementById("main")) {
      throw new Error("not a page of ours");
    }
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    document.body.replaceWith(page.body);
    history.replaceState(null, "", address);
    scrollTo(0, 0);
    const heading = document.querySelector("h1");
    heading.tabIndex = -1;
    (document.querySelector("[autofocus]") || heading).focus();
    prove();
  };

  // It answered, or the proxy before it did, that it cannot do this now.
  class NotWorking extends Error {}

  const post = async (address, answers) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), LONGEST_WAIT);
    try {
      // Once sent it arrives, even if the page is left in the same moment.
      const options = { method: "POST", body: answers, keepalive: true, signal: late.signal };
      const response = await fetch(address, options);
      if (response.status >= 500 && response.status !== NETWORK_SIGN_IN) {
        throw new NotWorking();
      }
      return { html: await response.text(), address: response.url };
    } finally {
      clearTimeout(timer);
    }
  };

  // Above the form's own button, wherever the one that was pressed may stand.
  const say = (form, name) => {
    document.querySelectorAll(".said").forEach((said) => said.remove());
    const said = document.getElementById(name).content.firstElementChild.cloneNode(true);
    said.classList.add("said");
    form.querySelector("button[type=submit]").before(said);
    return said;
  };

  const send = async (form, button) => {
    const address = button.hasAttribute("formaction") ? button.formAction : form.action;
    say(form, "sending");
    await Promise.race([proof, pause(LONGEST_PROOF)]);
    const answers = new URLSearchParams(new FormData(form));
    if (button.name) {
      answers.append(button.name, button.value);
    }
    const answer = await post(address, answers);
    if (!hasLeft) {
      show(answer.html, "keepAddress" in form.dataset ? location.href : answer.address);
    }
  };

  let isSending = false;
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter: button } = event;
    // An old browser does not tell which button it was: then it does what it always did.
    if (!button || form.method !== "post") {
      return;
    }
    event.preventDefault();
    if (isSending) {
      return;
    }
    isSending = true;
    try {
      await send(form, button);
    } catch (error) {
      if (!hasLeft) {
        say(form, error instanceof NotWorking ? "not-working" : "not-sent").focus();
      }
    } finally {
      isSending = false;
    }
  });

  prove();
}
