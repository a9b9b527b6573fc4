
const origins = document.documentElement.dataset.origins.split(" ");
const titles = {
  "log-on": words.logOn, code: words.codeTitle, change: words.changeTitle, factor: words.factor,
  "confirm-email": words.emailTitle, forgot: words.forgotTitle, reset: words.resetTitle,
};
/** The forms that ask for what a right password lacks. */
const lacking = ["code", "change", "factor"];
const forms = Object.keys(titles).map((id) => document.getElementById(id));
/** The request that lacks something: how it is sent, and what was given beside it so far. */
let waiting = null;
/** The token of the link that led here. */
let token = null;
/** Whose session it is that sets up a second factor. */
let enrolling = null;

/** Where a log-on leads: to where the address says, if that is at home or configured, or to the account. */
function destination() {
  const wanted = new URLSearchParams(location.search).get("return_to");
  try {
    const url = new URL(wanted, location.href);
    const isHome = url.origin === location.origin && wanted.startsWith("/");
    if (isHome || (/^https?:$/.test(url.protocol) && origins.includes(url.origin))) return url.href;
  } catch {
    // It is no address.
  }
  return folder + "account";
}

function show(id) {
  for (const form of forms) form.hidden = form.id !== id;
  document.title = $("h1").textContent = titles[id];
  const form = document.getElementById(id);
  const fields = $$("input:not([readonly])", form).filter((input) => input.checkVisibility());
  (fields.find((input) => !input.value) ?? fields[0] ?? $("button", form)).focus();
}

/** What the address asks for. Mail programs encode a link, put a full stop behind it, and add what counts its readers. */
function asked() {
  const hash = location.hash.slice(1);
  try {
    return decodeURIComponent(hash);
  } catch {
    // A percent sign of something else stands in it.
    return hash;
  }
}

/** Shows what the address asks for. So the browser's buttons lead back and forth. */
function route() {
  let [name] = asked().split(/[^\w-]/);
  if (lacking.includes(name) && waiting) return show(name);
  if (lacking.includes(name)) {
    // The page was loaded anew, and what lacked something is gone.
    history.replaceState(null, "", location.pathname + location.search);
    name = "";
  }
  if (name === "reset") {
    // As far as a token goes: five parts, of which the last is a hash of 32 bytes.
    token = asked().match(/^reset=(\d+\.\d+\.[\w-]+\.[\w-]+\.[\w-]{43})(?![\w-])/)?.[1];
    if (!token) {
      history.replaceState(null, "", `${location.pathname}${location.search}#forgot`);
      show("forgot");
      return say($("#forgot"), words.linkNotWhole, true);
    }
    // The fourth part of a token is the email that it is for.
    try {
      const bytes = atob(token.split(".")[3].replaceAll("-", "+").replaceAll("_", "/"));
      $("#reset-email").value = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    } catch {
      $("#reset-email").value = "";
    }
    return show("reset");
  }
  if (name === "email") {
    // Six parts, of which the second says which of the two addresses it went to.
    token = asked().match(/^email=(\d+\.(?:present|new)\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]{43})(?![\w-])/)?.[1];
    if (token) return show("confirm-email");
    history.replaceState(null, "", location.pathname + location.search);
    show("log-on");
    return say($("#log-on"), words.linkNotWhole, true);
  }
  show(name === "forgot" ? name : "log-on");
}

/** The form that asks for what an answer lacks. */
function lacks({ factor, change }) {
  if (factor === "otp") return "code";
  if (change) return "change";
  return factor === "enrol" ? "factor" : null;
}

/** Sends a right password with more, and leads to the form that asks for what it lacks still. What was typed stays. */
async function withMore(send, more = {}) {
  const answer = await send(more);
  const form = lacks(answer);
  if (!form || location.hash === `#${form}`) return answer;
  waiting = { send, more };
  document.getElementById(form).reset();
  say(document.getElementById(form), "");
  const back = lacking.includes(location.hash.slice(1)) ? "#" : location.hash || "#";
  for (const link of $$(".links a", document.getElementById(form))) link.href = back;
  $("#change-email").value = $("#email").value;
  location.hash = form;
  return null;
}

const logOn = async (more) => {
  const [email, password] = [$("#email").value, $("#password").value];
  const answer = await call("POST", "auth", { email, password, ...more });
  // A log-on gives no reasons.
  if (more.new_password && answer.isOurs && answer.httpStatus === 400) return { ...answer, isUnfit: true, sentence: words.unfit };
  if (!answer.ok) {
    // An operator can have failed log-ons answered with 200.
    const isWrong = answer.isOurs && !answer.factor && !answer.change && [200, 401].includes(answer.httpStatus);
    return isWrong ? { ...answer, isWrong, sentence: words.wrongPassword } : answer;
  }
  return goOn(answer, more);
};

/** Leads on after a log-on. */
async function goOn(answer, more = {}) {
  // Without its cookie the session is nobody's, and what comes next would lead back here without a word.
  const { httpStatus, data } = await call("GET", "user");
  if (httpStatus === 401) return { ...answer, ok: false, sentence: words.noCookies };
  if (more.enrol) return begin(data.email);
  location.assign(destination());
  return answer;
}

/** Ends the question that waits in the field of the email: a browser asks one at a time. */
let autofill = new AbortController();
/** A challenge is good for five minutes. */
const CHALLENGE_MS = 240_000;
let renewal = 0;

/** Logs on with a passkey. What was refused is said; that none was used, only to whoever asked for it. */
async function passkeyLogOn(settings) {
  clearTimeout(renewal);
  autofill.abort();
  autofill = new AbortController();
  const used = await usePasskey({ ...settings, signal: autofill.signal });
  if (!used.ok) return used;
  const answer = await call("POST", "passkeys/auth", used.credential);
  const isWrong = !answer.ok && answer.isOurs && [200, 401].includes(answer.httpStatus);
  const told = answer.ok ? await goOn(answer) : { ...answer, ...(isWrong && { sentence: words.passkeyRefused }) };
  if (!told.ok) say($("#log-on"), meaning(told), true);
  return { ...told, isTold: true };
}

/** Has the browser offer passkeys in the field of the email, until one is used or the browser ends it. */
async function offerPasskeys() {
  if (!hasPasskeys || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const offered = passkeyLogOn({ mediation: "conditional" });
  renewal = setTimeout(offerPasskeys, CHALLENGE_MS);
  const answer = await offered;
  // One that nobody used has ended in silence, and is not begun again.
  if (!answer.ok && answer.isTold) offerPasskeys();
}

$("#use-passkey").addEventListener("click", () => once($("#use-passkey"), async () => {
  say($("#log-on"), "");
  const answer = await passkeyLogOn();
  if (answer.ok) return;
  if (!answer.isTold) say($("#log-on"), meaning(answer), true);
  offerPasskeys();
}));

/** Begins a second factor in a session that can do nothing else. */
async function begin(email) {
  const answer = await call("POST", "totp");
  if (!answer.ok) return answer;
  enrolling = email;
  history.replaceState(null, "", `${location.pathname}${location.search}#factor`);
  show("factor");
  $("#begin").hidden = true;
  showSecret(answer.data);
  return answer;
}

function reset(token) {
  return async (more) => {
    const answer = await call("POST", "reset", { token, new_password: $("#new-password").value, ...more });
    if (answer.ok) {
      $("#email").value = $("#reset-email").value;
      $("#new-password").value = "";
      waiting = null;
      // The link is used up.
      history.replaceState(null, "", location.pathname + location.search);
      route();
      say($("#log-on"), words.passwordSet);
    }
    return answer;
  };
}

const sendMore = (more) => withMore(waiting.send, { ...waiting.more, ...more });
whenSent($("#log-on"), () => withMore(logOn), (answer) => (answer.isWrong ? $("#password") : null));
whenSent($("#code"), () => sendMore({ otp: $("#otp").value }), (answer) => (answer.factor ? $("#otp") : null));
whenSent($("#change"), () => sendMore({ new_password: $("#changed-password").value }), (answer) =>
  answer.isUnfit ? $("#changed-password") : null);
$("#begin").addEventListener("click", () => once($("#begin"), async () => {
  const answer = enrolling ? await begin(enrolling) : await sendMore({ enrol: true });
  if (answer && !answer.ok) complain($("#factor"), meaning(answer));
}));
$("#give-up").addEventListener("click", () => ($("#begin").hidden = false));
/** Shows the way on once the session can do everything: the gateway may remember for seconds that it cannot. */
async function showWhenWhole(done) {
  while ((await call("GET", "sessions")).httpStatus === 401) await new Promise((resume) => setTimeout(resume, 1000));
  done.hidden = false;
  $("a", done).focus();
}

whenSent($("#factor"), async () => {
  const answer = await call("POST", "totp/confirm", { otp: $("#factor-otp").value });
  if (answer.ok) {
    showCodes(answer.data.recovery_codes, enrolling);
    $("#factor .hint").hidden = true;
    $("#done a").href = destination();
    showWhenWhole($("#done"));
  }
  return answer;
}, ({ reason }) => (reason === "wrong-code" ? $("#factor-otp") : null));
whenSent($("#confirm-email"), async () => {
  const answer = await call("POST", "email/confirm", { token });
  if (answer.ok) {
    // The link is used up.
    history.replaceState(null, "", location.pathname + location.search);
    route();
    say($("#log-on"), words.emailConfirmed);
  }
  return answer;
});
whenSent($("#reset"), () => withMore(reset(token)), (answer) =>
  answer.reason?.startsWith("password-") ? $("#new-password") : null);
whenSent($("#forgot"), async () => {
  const answer = await call("POST", "forgot", { email: $("#forgot-email").value });
  if (answer.ok) say($("#forgot"), words.forgotSent);
  // Where no mails are sent there is no such operation, and its refusals give no reason.
  const isNone = answer.isOurs && !answer.reason && [401, 404].includes(answer.httpStatus);
  return isNone ? { ...answer, sentence: words.noMails } : answer;
});

addEventListener("hashchange", route);
// Back from where a log-on led, the page may be as it was left.
addEventListener("pageshow", (event) => {
  if (event.persisted) $("#password").value = "";
});
route();
offerPasskeys();
