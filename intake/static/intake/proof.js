/*
 * The work a browser does to show that it is not a machine in a hurry; a Worker of its own, so that
 * the form stays free. It is told a challenge as JSON {algorithm, challenge, maxnumber, salt,
 * signature}, looks for the number whose digest after the salt is the challenge, and answers with
 * what belongs into the form, or with "" when there is no such number.
 */
"use strict";

// Asking for one digest at a time would spend most of the time on waiting.
const AT_ONCE = 250;
const text = new TextEncoder();

const hex = (digest) =>
  Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");

const digests = (algorithm, salt, numbers) =>
  Promise.all(
    numbers.map(async (number) =>
      hex(await crypto.subtle.digest(algorithm, text.encode(salt + number))),
    ),
  );

const solve = async ({ algorithm, challenge, maxnumber, salt }) => {
  for (let first = 0; first <= maxnumber; first += AT_ONCE) {
    const numbers = Array.from({ length: AT_ONCE }, (_, step) => first + step);
    const place = (await digests(algorithm, salt, numbers)).indexOf(challenge);
    if (place >= 0) {
      return numbers[place];
    }
  }
  return null;
};

const prove = async (asked) => {
  const { algorithm, challenge, salt, signature } = asked;
  const number = await solve(asked);
  return number === null
    ? ""
    : btoa(JSON.stringify({ algorithm, challenge, number, salt, signature }));
};

// Only over HTTPS (or on this machine) does a browser compute digests for us.
onmessage = async ({ data }) => {
  postMessage(crypto.subtle ? await prove(JSON.parse(data)) : "");
};
