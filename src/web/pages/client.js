
const $ = (selector, within = document) => within.querySelector(selector);
const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

// A page stands beside the folder of the operations, also below a stage, and with a slash at its own end.
const folder = location.pathname.replace(/[^/]*\/?$/, "");

for (const element of $$("[data-word]")) element.textContent = words[element.dataset.word];

/** Asks an operation. What comes back has `httpStatus`, which is 0 if there was no answer, and `wait` in seconds. */
async function call(method, operation, body) {
  const json = body && { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  try {
    const response = await fetch(folder + "api/" + operation, { method, cache: "no-store", ...json });
    const wait = Number(response.headers.get("Retry-After")) || 0;
    return { ...heard(await response.text()), hadCode: Boolean(body?.otp), httpStatus: response.status, wait };
  } catch {
    return { ok: false, httpStatus: 0, wait: 0 };
  }
}

/** What the service said, without its sentence, which is for the logs of programs. What has no `ok` is of something else. */
function heard(text) {
  try {
    const { ok, data, reason, factor, change } = JSON.parse(text);
    if (typeof ok === "boolean") return { ok, data, reason, factor, change, isOurs: true };
  } catch {
    // It is no JSON.
  }
  return { ok: false, isOurs: false };
}

/** What a refusal means, in the page's own words. */
function meaning({ sentence, httpStatus, isOurs, reason, factor, change, hadCode, wait }) {
  if (sentence) return sentence;
  if (httpStatus === 0) return words.offline;
  if (httpStatus === 429) return wait ? words.wait(wait) : words.waitSome;
  if (httpStatus >= 500) return words.refused.unavailable;
  if (!isOurs) return words.foreign;
  if (factor === "enrol") return words.factorMissing;
  if (change) return words.changeHint;
  if (factor === "otp") return hadCode ? words.refused["wrong-code"] : words.codeNeeded;
  return words.refused[reason] ?? words.unexpected;
}

/** Tells what came of a form. A text that stays the same would not be read out again, so it is taken away first. */
function say(form, text, isBad = false) {
  const said = $(".said", form);
  for (const field of $$("[aria-invalid]", form)) field.removeAttribute("aria-invalid");
  said.textContent = "";
  said.classList.toggle("bad", isBad);
  requestAnimationFrame(() => (said.textContent = text));
}

/** Tells what is wrong, and leads to it. */
function complain(form, text, field) {
  say(form, text, true);
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.select();
  }
}

/**
 * Keeps a form's button from being used for some seconds, or until its email is another, which has attempts of its own. They
 * are counted down on it: what is said, is read out once.
 */
function countDown(form, seconds) {
  const button = $("button.main", form);
  const word = button.textContent;
  button.setAttribute("aria-disabled", "true");
  say(form, words.wait(seconds), true);
  const end = Date.now() + seconds * 1000;
  const unlock = (text) => {
    clearInterval(timer);
    form.removeEventListener("input", another);
    button.textContent = word;
    button.removeAttribute("aria-disabled");
    say(form, text);
  };
  const another = ({ target }) => {
    if (target.autocomplete.startsWith("username")) unlock("");
  };
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) button.textContent = words.left(left);
    else unlock(words.again);
  };
  const timer = setInterval(tick, 1000);
  form.addEventListener("input", another);
  tick();
}

/** Does what a button is for, once at a time, and shows that it is being done. */
async function once(button, work) {
  if (button.getAttribute("aria-disabled")) return;
  const word = button.textContent;
  button.setAttribute("aria-disabled", "true");
  button.textContent = words.waiting;
  try {
    return await work();
  } finally {
    button.textContent = word;
    button.removeAttribute("aria-disabled");
  }
}

/** Sends a form by `send`. If the answer is a refusal, `refused` says which field it is about. */
function whenSent(form, send, refused = () => null) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if ($("button.main", form).getAttribute("aria-disabled")) return;
    say(form, "");
    const answer = await once($("button.main", form), send);
    if (!answer || answer.ok || answer.isTold) return;
    if (answer.httpStatus === 429 && answer.wait) countDown(form, answer.wait);
    else complain(form, meaning(answer), answer.isOurs ? refused(answer) : null);
  });
}

// What is said of a form belongs to each of its fields.
for (const form of $$("form")) {
  const said = $(".said", form);
  said.id = `said-${form.id || "confirm"}`;
  for (const input of $$("input", form))
    input.setAttribute("aria-describedby", `${input.getAttribute("aria-describedby") ?? ""} ${said.id}`.trim());
}

// Whoever can see the screen may see the password as well.
for (const secret of $$(".secret")) {
  const button = document.createElement("button");
  const input = $("input", secret);
  const show = (isShown) => {
    input.type = isShown ? "text" : "password";
    button.textContent = isShown ? words.hide : words.show;
    button.setAttribute("aria-pressed", isShown);
    button.setAttribute("aria-label", `${button.textContent}: ${$("label", secret).textContent}`);
  };
  button.type = "button";
  button.addEventListener("click", () => show(input.type === "password"));
  input.form.addEventListener("submit", () => show(false));
  show(false);
  secret.append(button);
}
