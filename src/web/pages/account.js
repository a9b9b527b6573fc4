
const autocomplete = {
  nickname: "nickname", title: "honorific-prefix", firstname: "given-name", middlename: "additional-name",
  surname: "family-name", position: "organization-title", company: "organization", tel: "tel", address: "street-address",
  postcode: "postal-code", country: "country-name", website: "url", twitter: "off", linkedin: "off",
};
/** The account that the page shows. */
let account = null;
/** Whether all of it is shown. Before that there is nothing to lose. */
let isLoaded = false;

const signIn = `${folder}sign-in?return_to=${encodeURIComponent(location.pathname)}`;
$("#ended a").href = signIn;

/** Says that the session has ended. Nothing that was typed is lost. */
function ended(answer) {
  if (!isLoaded) {
    location.replace(signIn);
  } else if (!$("#ended").open) {
    // Several questions can be on their way when a session ends.
    $("#ended-hint").textContent = words.endedHint(account.email);
    $("#ended").showModal();
  }
  return { ...answer, isTold: true };
}

/** Looks whose session it is: a browser has one for all of its tabs, and another may have logged another account on. */
async function look(withoutSession = ended) {
  const answer = await call("GET", "user");
  if (answer.httpStatus === 401 && answer.isOurs) return withoutSession(answer);
  if (!answer.ok) return answer;
  if (account && account.email !== answer.data.email) {
    // What is shown and typed here is not theirs.
    location.replace(location.pathname + location.search);
    return { ...answer, ok: false, isTold: true };
  }
  $("#ended").close();
  show(answer.data);
  return answer;
}

/** Asks an operation of the session. What changes something is for the account that the page shows, or it is not asked. */
async function ask(method, operation, body, withoutSession = ended) {
  const looked = method === "GET" ? { ok: true } : await look(withoutSession);
  if (!looked.ok) return looked;
  const answer = await call(method, operation, body);
  // A right password that lacks something is 401 as well.
  return answer.httpStatus === 401 && answer.isOurs && !answer.factor && !answer.change ? withoutSession(answer) : answer;
}

/** Asks for the password once more. Tells whether it was given. */
function confirmed() {
  const dialog = $("#confirm");
  $(".with-code", dialog).hidden = true;
  $("form", dialog).reset();
  say(dialog, "");
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "given"), { once: true }));
}

/** Asks for what needs a password that was given a moment ago. */
async function askConfirmed(method, operation, body) {
  const answer = await ask(method, operation, body);
  if (answer.reason !== "step-up-needed") return answer;
  return (await confirmed()) ? ask(method, operation, body) : null;
}

function item(title, hint, name, end, [word, ofName] = [words.end, words.endOf]) {
  const [li, text, small, button] = ["li", "div", "div", "button"].map((tag) => document.createElement(tag));
  text.textContent = title;
  small.textContent = hint;
  small.className = "hint";
  text.dir = small.dir = "auto";
  text.append(small);
  li.className = "row";
  li.append(text);
  if (end) {
    button.type = "button";
    button.textContent = word;
    button.setAttribute("aria-label", ofName(name));
    button.addEventListener("click", () => once(button, end));
    li.append(button);
  }
  return li;
}

/** Says why something was refused, if that is not told already. */
function refuse(form, answer) {
  if (!answer.isTold) say(form, meaning(answer), true);
}

/** Ends one of a list, by its button, and shows the list anew. */
function ends(form, operation, load, done) {
  return async () => {
    const answer = await askConfirmed("DELETE", operation);
    if (!answer) return;
    const isGone = answer.reason === "no-such-id";
    if (!answer.ok && !isGone) return refuse(form, answer);
    await load();
    say(form, isGone ? meaning(answer) : done);
    $("h2", form).focus();
  };
}

async function loadSessions() {
  const answer = await ask("GET", "sessions");
  if (!answer.ok) return refuse($("#sessions"), answer);
  $("#sessions ul").replaceChildren(...answer.data.map(({ sid, current, by, agent, address, created, expires }) => {
    const title = words.sessionOf(by, agent || words.somebody);
    const hint = [current && words.current, address, words.created(date(created)), words.expires(date(expires))];
    const end = current ? null : ends($("#sessions"), `sessions/${sid}`, loadSessions, words.sessionEnded);
    return item(title, hint.filter(Boolean).join(" · "), title, end);
  }));
}

async function loadKeys() {
  const answer = await ask("GET", "keys");
  if (!answer.ok) return refuse($("#keys"), answer);
  const rows = answer.data.map(({ id, name, created, expires, last_used, read_only }) => {
    // The last use is known by its day alone, which is a day in UTC.
    const used = words.lastUsed(last_used && date(last_used, "UTC"));
    const hint = [read_only && words.readOnly, words.created(date(created)), words.expires(date(expires)), used];
    const forget = () => {
      // A key has its id in it.
      if ($("#key output").textContent.includes(id)) $("#key").hidden = true;
      return loadKeys();
    };
    return item(name, hint.filter(Boolean).join(" · "), name, ends($("#keys"), `keys/${id}`, forget, words.keyEnded));
  });
  $("#keys ul").replaceChildren(...(rows.length ? rows : [item(words.noKeys, "")]));
}

async function loadPasskeys() {
  if (!hasPasskeys) return;
  const answer = await ask("GET", "passkeys");
  if (!answer.ok) return refuse($("#passkeys"), answer);
  const rows = answer.data.map(({ id, name, created, last_used, backed_up }) => {
    const used = words.lastUsed(last_used && date(last_used, "UTC"));
    const hint = [words.created(date(created)), used, backed_up && words.backedUp].filter(Boolean).join(" · ");
    const forget = () => Promise.all([loadPasskeys(), forgetPasskey(id)]);
    const remove = ends($("#passkeys"), `passkeys/${id}`, forget, words.passkeyRemoved);
    return item(name, hint, name, remove, [words.remove, words.removeOf]);
  });
  $("#passkeys ul").replaceChildren(...(rows.length ? rows : [item(words.noPasskeys, "")]));
}

/** What the service said of each detail, and what its field made of that: most fields take no line ends. */
const given = {};
const held = {};
const isTyped = ({ name, value }) => value !== (held[name] ?? "");

/** Shows what changed meanwhile, but for what is being typed. */
function show(data) {
  account = data;
  $("#who").textContent = account.email + (account.role ? ` · ${account.role}` : "");
  for (const input of $$(".username")) input.defaultValue = account.email;
  for (const field of fields) {
    const { name, value } = field;
    const present = account[name] ?? "";
    if (given[name] === present) continue;
    const isKept = isTyped(field);
    field.value = given[name] = present;
    held[name] = field.value;
    if (isKept) field.value = value;
  }
}

async function load() {
  const answer = await look();
  if (!answer.ok) return refuse($("#log-off"), answer);
  say($("#log-off"), "");
  await Promise.all([loadSessions(), loadKeys(), loadFactor(), loadPasskeys()]);
  isLoaded = true;
}

const fields = Object.keys(autocomplete).map((name) => {
  const field = document.createElement(name === "address" ? "textarea" : "input");
  field.id = `details-${name}`;
  field.setAttribute("aria-describedby", "said-details");
  const limits = { maxLength: 256, required: name === "nickname" };
  return Object.assign(field, { name, autocomplete: autocomplete[name], dir: "auto", ...limits });
});
$("#details .pair").append(...fields.map((field) => {
  const [box, label] = ["div", "label"].map((tag) => document.createElement(tag));
  Object.assign(label, { htmlFor: field.id, textContent: words[field.name] });
  box.append(label, field);
  return box;
}));

/** Which of the details a reason is about. */
const faulty = {
  "bad-name": ({ name }) => name === "nickname",
  "value-too-long": ({ value }) => new TextEncoder().encode(value).length > 256,
  "control-character": ({ name, value }) => /\p{Cc}/u.test(name === "address" ? value.replaceAll("\n", "") : value),
};

whenSent($("#details"), async () => {
  // What was not typed here is left as it is: another tab may have changed it.
  const typed = Object.fromEntries(fields.filter(isTyped).map(({ name, value }) => [name, value]));
  const answer = await ask("POST", "user", typed);
  if (answer.ok) {
    say($("#details"), words.detailsSaved);
    Object.assign(given, typed);
    Object.assign(held, typed);
  }
  return answer;
}, ({ reason }) => fields.filter(isTyped).find((field) => faulty[reason]?.(field)));

whenSent($("#password-form"), async () => {
  const form = $("#password-form");
  const [password, new_password, otp] = ["old-password", "new-password", "password-otp"].map((id) => $("#" + id).value);
  const body = { password, new_password, ...(otp && { otp }) };
  const answer = await ask("POST", "password", body);
  if (answer.ok) {
    form.reset();
    $(".with-code", form).hidden = true;
    say(form, words.passwordChanged);
    loadSessions();
  }
  return answer;
}, (answer) => {
  if (answer.factor === "otp") {
    $("#password-form .with-code").hidden = false;
    return $("#password-otp");
  }
  if (answer.reason === "wrong-password") return $("#old-password");
  return answer.reason?.startsWith("password-") ? $("#new-password") : null;
});

whenSent($("#confirm form"), async () => {
  const otp = $("#confirm-otp").value;
  const body = { email: account.email, password: $("#confirm-password").value, ...(otp && { otp }) };
  const answer = await ask("POST", "confirm", body);
  if (answer.ok) $("#confirm").close("given");
  // The one refusal of a confirmation that gives no reason.
  const isWrong = answer.isOurs && answer.httpStatus === 403 && !answer.reason;
  return isWrong ? { ...answer, isWrong, sentence: words.refused["wrong-password"] } : answer;
}, (answer) => {
  if (answer.factor !== "otp") return answer.isWrong ? $("#confirm-password") : null;
  $("#confirm .with-code").hidden = false;
  return $("#confirm-otp");
});
$("#confirm-passkey").addEventListener("click", () => once($("#confirm-passkey"), async () => {
  say($("#confirm"), "");
  const used = await usePasskey();
  const answer = used.ok ? await ask("POST", "passkeys/confirm", used.credential) : used;
  if (answer.ok) return $("#confirm").close("given");
  const isWrong = answer.isOurs && answer.httpStatus === 403 && !answer.reason;
  refuse($("#confirm"), isWrong ? { ...answer, sentence: words.passkeyRefused } : answer);
}));
for (const button of $$("dialog .close")) button.addEventListener("click", () => button.closest("dialog").close(""));

/** Shows whether there is a second factor, and offers what can be done then. */
async function loadFactor() {
  const answer = await ask("GET", "totp");
  if (!answer.ok) return refuse($("#factor"), answer);
  const { set, recovery_codes } = answer.data;
  $("#begin").hidden = set;
  $("#remove").hidden = $("#codes").hidden = !set;
  $("#codes-left").textContent = words.codesLeft(recovery_codes);
}

$("#begin").addEventListener("click", () => once($("#begin"), async () => {
  const answer = await askConfirmed("POST", "totp");
  if (!answer) return;
  if (!answer.ok) return refuse($("#factor"), answer);
  showSecret(answer.data);
}));

$("#remove").addEventListener("click", () => once($("#remove"), async () => {
  const answer = await askConfirmed("DELETE", "totp");
  if (!answer) return;
  if (!answer.ok) return refuse($("#factor"), answer);
  hideSecret();
  $("#recovery").hidden = true;
  await loadFactor();
  say($("#factor"), words.factorRemoved);
  $("#factor h2").focus();
}));

whenSent($("#factor"), async () => {
  const answer = await ask("POST", "totp/confirm", { otp: $("#factor-otp").value });
  if (answer.ok) {
    showCodes(answer.data.recovery_codes, account.email);
    $("#factor h2").focus();
    loadFactor();
  }
  return answer;
}, refusedCode);

whenSent($("#codes"), async () => {
  const answer = await askConfirmed("POST", "totp/codes", { otp: $("#codes-otp").value });
  if (answer?.ok) {
    $("#codes-otp").value = "";
    showCodes(answer.data.recovery_codes, account.email);
    $("#factor h2").focus();
    loadFactor();
  }
  return answer;
}, ({ reason }) => (["wrong-code", "code-used"].includes(reason) ? $("#codes-otp") : null));

whenSent($("#email"), async () => {
  const answer = await askConfirmed("POST", "email", { email: $("#new-email").value });
  if (answer?.ok) say($("#email"), words.emailSent);
  // Where no mails are sent there is no such operation, and its refusal gives no reason.
  const isNone = answer?.isOurs && !answer.reason && answer.httpStatus === 404;
  return isNone ? { ...answer, sentence: words.noMails } : answer;
}, ({ reason }) => (reason === "bad-email" ? $("#new-email") : null));

whenSent($("#keys"), async () => {
  const body = { name: $("#key-name").value, days: Number($("#key-days").value), read_only: $("#key-read-only").checked };
  const answer = await askConfirmed("POST", "keys", body);
  if (answer?.ok) {
    $("#key output").textContent = answer.data.key;
    $("#key").hidden = false;
    $("#key-name").value = "";
    $("#key-read-only").checked = false;
    $("#key .copy").focus();
    loadKeys();
  }
  return answer;
}, ({ reason }) => (reason === "bad-name" ? $("#key-name") : reason === "bad-days" ? $("#key-days") : null));

whenSent($("#passkeys"), async () => {
  const begun = await askConfirmed("POST", "passkeys/new");
  if (!begun?.ok) return begun;
  const { credential, ...made } = await makePasskey(begun.data);
  if (!made.ok) return made;
  const answer = await ask("POST", "passkeys", { name: $("#passkey-name").value, credential });
  if (answer.ok) {
    $("#passkey-name").value = "";
    await loadPasskeys();
    say($("#passkeys"), words.passkeyAdded);
  }
  return answer;
}, ({ reason }) => (reason === "bad-name" ? $("#passkey-name") : null));

whenSent($("#sessions"), async () => {
  const answer = await askConfirmed("DELETE", "sessions");
  if (answer?.ok) {
    await loadSessions();
    say($("#sessions"), words.othersEnded);
  }
  return answer;
});

whenSent($("#log-off"), async () => {
  // Whoever has no session is logged off.
  const answer = await ask("POST", "logout", undefined, (answer) => ({ ...answer, ok: true }));
  if (answer.ok) location.replace(`${folder}sign-in`);
  return answer;
});

document.title = words.yourAccount;
for (const heading of $$("h2")) heading.tabIndex = -1;

// Whoever comes back to the page may have logged on or off elsewhere meanwhile.
let looking = null;
function lookAgain() {
  looking ??= (isLoaded ? look() : load()).finally(() => (looking = null));
}
addEventListener("focus", lookAgain);
document.addEventListener("visibilitychange", () => document.hidden || lookAgain());
addEventListener("pageshow", (event) => event.persisted && load());
lookAgain();
