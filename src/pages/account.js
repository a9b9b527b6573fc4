
const autocomplete = {
  nickname: "nickname", title: "honorific-prefix", firstname: "given-name", middlename: "additional-name",
  surname: "family-name", position: "organization-title", company: "organization", tel: "tel", address: "street-address",
  postcode: "postal-code", country: "country-name", website: "url", twitter: "off", linkedin: "off",
};
const date = (text) => new Date(text).toLocaleDateString([], { dateStyle: "medium" });
let account = null;

const signIn = `${folder}sign-in?return_to=${encodeURIComponent(location.pathname)}`;
$("#ended a").href = signIn;

function ended() {
  // Several questions can be on their way when a session ends.
  if (!$("#ended").open) $("#ended").showModal();
}

/** Asks an operation of the session. If that has ended, the person is told and nothing that was typed is lost. */
async function ask(method, operation, body) {
  const answer = await call(method, operation, body);
  // A right password without its code is 401 as well.
  if (answer.httpStatus === 401 && !answer.factor) {
    ended();
    return { ...answer, status: "", hasEnded: true };
  }
  return answer;
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
  if (answer.httpStatus !== 403 || !answer.status.startsWith("Confirm your password first")) return answer;
  return (await confirmed()) ? ask(method, operation, body) : null;
}

function item(title, hint, name, end) {
  const [li, text, small, button] = ["li", "div", "div", "button"].map((tag) => document.createElement(tag));
  text.textContent = title;
  small.textContent = hint;
  small.className = "hint";
  text.append(small);
  li.className = "row";
  li.append(text);
  if (end) {
    button.type = "button";
    button.textContent = words.end;
    button.setAttribute("aria-label", words.endOf(name));
    button.addEventListener("click", () => once(button, end));
    li.append(button);
  }
  return li;
}

/** Ends one of a list, by its button, and shows the list anew. */
function ends(form, operation, load) {
  return async () => {
    const answer = await askConfirmed("DELETE", operation);
    if (!answer) return;
    if (answer.ok) await load();
    say(form, answer.status, !answer.ok);
    if (answer.ok) $("h2", form).focus();
  };
}

async function loadSessions() {
  const answer = await ask("GET", "sessions");
  if (!answer.ok) return say($("#sessions"), answer.status, true);
  $("#sessions ul").replaceChildren(...answer.data.map(({ sid, current, by, agent, address, created, expires }) => {
    const title = words.sessionOf(by, agent || words.somebody);
    const hint = [current && words.current, address, words.created(date(created)), words.expires(date(expires))];
    const end = current ? null : ends($("#sessions"), `sessions/${sid}`, loadSessions);
    return item(title, hint.filter(Boolean).join(" · "), title, end);
  }));
}

async function loadKeys() {
  const answer = await ask("GET", "keys");
  if (!answer.ok) return say($("#keys"), answer.status, true);
  const rows = answer.data.map(({ id, name, created, expires, last_used }) => {
    const dates = [words.created(date(created)), words.expires(date(expires)), words.lastUsed(last_used && date(last_used))];
    return item(name, dates.join(" · "), name, ends($("#keys"), `keys/${id}`, loadKeys));
  });
  $("#keys ul").replaceChildren(...(rows.length ? rows : [item(words.noKeys, "")]));
}

/** Shows what changed meanwhile, but for what is being typed. */
async function load() {
  const answer = await call("GET", "user");
  if (answer.httpStatus === 401) {
    location.replace(signIn);
    return;
  }
  if (!answer.ok) return complain($("#details"), answer.status);
  account = answer.data;
  $("#who").textContent = account.email + (account.role ? ` · ${account.role}` : "");
  for (const input of $$(".username")) input.defaultValue = account.email;
  for (const input of $$("#details input")) {
    const isTyped = input.value !== input.defaultValue;
    input.defaultValue = account[input.name] ?? "";
    if (!isTyped) input.value = input.defaultValue;
  }
  await Promise.all([loadSessions(), loadKeys()]);
}

$("#details .pair").append(...Object.keys(autocomplete).map((name) => {
  const [box, label, input] = ["div", "label", "input"].map((tag) => document.createElement(tag));
  input.id = `details-${name}`;
  input.setAttribute("aria-describedby", "said-details");
  Object.assign(input, { name, autocomplete: autocomplete[name], maxLength: 256, required: name === "nickname" });
  Object.assign(label, { htmlFor: input.id, textContent: words[name] });
  box.append(label, input);
  return box;
}));

whenSent($("#details"), async () => {
  if (!account) await load();
  if (!account) return { ok: false, httpStatus: 0, status: words.offline };
  // What was not typed here is left as it is: another tab may have changed it.
  const typed = $$("#details input").filter((input) => input.value !== input.defaultValue);
  const answer = await ask("POST", "user", Object.fromEntries(typed.map(({ name, value }) => [name, value])));
  if (answer.ok) {
    say($("#details"), words.detailsSaved);
    for (const input of $$("#details input")) input.defaultValue = input.value;
  }
  return answer;
}, (answer) => document.getElementById(`details-${answer.status.split(":")[0]}`));

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
  if (answer.factor) {
    $("#password-form .with-code").hidden = false;
    return $("#password-otp");
  }
  return $(answer.httpStatus === 400 ? "#new-password" : "#old-password");
});

whenSent($("#confirm form"), async () => {
  if (!account) await load();
  if (!account) return { ok: false, httpStatus: 0, status: words.offline };
  const otp = $("#confirm-otp").value;
  const body = { email: account.email, password: $("#confirm-password").value, ...(otp && { otp }) };
  const answer = await ask("POST", "confirm", body);
  if (answer.ok) $("#confirm").close("given");
  return answer.httpStatus === 403 ? { ...answer, status: words.wrongPassword } : answer;
}, (answer) => {
  if (!answer.factor) return $("#confirm-password");
  $("#confirm .with-code").hidden = false;
  return $("#confirm-otp");
});
for (const button of $$("dialog .close")) button.addEventListener("click", () => button.closest("dialog").close(""));

$("#begin").addEventListener("click", () => once($("#begin"), async () => {
  const answer = await askConfirmed("POST", "totp");
  if (!answer) return;
  if (!answer.ok) return say($("#factor"), answer.status, true);
  say($("#factor"), "");
  const cells = qrCode(answer.data.uri);
  const svg = $("#factor svg");
  svg.toggleAttribute("hidden", !cells);
  if (cells) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    const dark = cells.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")));
    path.setAttribute("d", dark.join(""));
    svg.setAttribute("viewBox", `0 0 ${cells.length + 8} ${cells.length + 8}`);
    svg.replaceChildren(path);
  }
  $("#secret").textContent = answer.data.secret.replace(/.{4}/g, "$& ").trim();
  $("#recovery").hidden = true;
  $("#enrol").hidden = false;
  $("#factor-otp").value = "";
  $("#factor-otp").required = true;
  $("#factor-otp").focus();
}));

$("#remove").addEventListener("click", () => once($("#remove"), async () => {
  const answer = await askConfirmed("DELETE", "totp");
  if (!answer) return;
  if (answer.ok) $("#enrol").hidden = $("#recovery").hidden = true;
  const isNone = answer.httpStatus === 404;
  say($("#factor"), answer.ok ? words.factorRemoved : isNone ? words.noFactor : answer.status, !answer.ok);
}));

whenSent($("#factor"), async () => {
  const answer = await ask("POST", "totp/confirm", { otp: $("#factor-otp").value });
  if (answer.ok) {
    const text = answer.data.recovery_codes.join("\n");
    $("#recovery output").textContent = text;
    $("#recovery a").href = URL.createObjectURL(new Blob([text + "\n"], { type: "text/plain" }));
    $("#enrol").hidden = true;
    $("#recovery").hidden = false;
    $("#factor-otp").required = false;
    $("#factor-otp").value = $("#secret").textContent = "";
    $("#factor h2").focus();
  }
  return answer;
}, () => $("#factor-otp"));
$("#print").addEventListener("click", () => print());

whenSent($("#keys"), async () => {
  const body = { name: $("#key-name").value, days: Number($("#key-days").value) };
  const answer = await askConfirmed("POST", "keys", body);
  if (answer?.ok) {
    $("#key output").textContent = answer.data.key;
    $("#key").hidden = false;
    $("#key-name").value = "";
    $("#key .copy").focus();
    loadKeys();
  }
  return answer;
}, (answer) => $(answer.status.startsWith("days") ? "#key-days" : "#key-name"));

whenSent($("#sessions"), async () => {
  const answer = await askConfirmed("DELETE", "sessions");
  if (answer?.ok) {
    await loadSessions();
    say($("#sessions"), answer.status);
  }
  return answer;
});

whenSent($("#log-off"), async () => {
  const answer = await call("POST", "logout");
  // Whoever has no session is logged off.
  if (answer.ok || answer.httpStatus === 401) location.replace(`${folder}sign-in`);
  return answer.httpStatus === 401 ? null : answer;
});

for (const button of $$(".copy"))
  button.addEventListener("click", async () => {
    const form = button.closest("form");
    const shown = $("output", button.closest("#key, #recovery"));
    try {
      await navigator.clipboard.writeText(shown.textContent);
      say(form, words.copied);
    } catch {
      // The browser does not let a page copy; a person can.
      getSelection().selectAllChildren(shown);
      say(form, words.copyYourself);
    }
  });

document.title = words.yourAccount;
for (const heading of $$("h2")) heading.tabIndex = -1;
// Back from elsewhere the page may be as it was left, and its session another.
addEventListener("pageshow", (event) => event.persisted && load());
load();
