
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
  const fields = $$("input:not([readonly])", form);
  const empty = fields.filter((input) => !input.value);
  [...empty, ...fields, ...$$("button", form)].find((element) => element.checkVisibility())?.focus();
  endOffer();
  offerPasskeys();
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
  if (form === "factor") demand();
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
    if (isWrong && more.new_password) {
      // That it was changed may have been said by an answer that was lost.
      const { new_password, ...rest } = more;
      $("#password").value = new_password;
      return logOn(rest);
    }
    return isWrong ? { ...answer, isWrong, sentence: words.wrongPassword } : answer;
  }
  // It is the password from now on, also if what comes next leads back here.
  if (more.new_password) $("#password").value = more.new_password;
  return goOn(answer, more);
};

/** Leads on after a log-on. */
async function goOn(answer, more = {}) {
  // Without its cookie the session is nobody's, and what comes next would lead back here without a word.
  const user = await call("GET", "user");
  if (user.httpStatus === 401) return { ...answer, ok: false, sentence: words.noCookies };
  if (more.enrol) return user.ok ? enrol(user) : user;
  location.assign(destination());
  return answer;
}

/** Ends the question that waits in the field of the email: a browser asks one at a time. */
let autofill = new AbortController();
/** A challenge is good for five minutes. */
const CHALLENGE_MS = 240_000;
let renewal = 0;

function endOffer() {
  clearTimeout(renewal);
  autofill.abort();
  autofill = new AbortController();
}

/** Logs on with a passkey. What was refused is said; that none was used, only to whoever asked for it. */
async function passkeyLogOn(settings) {
  endOffer();
  const used = await usePasskey({ ...settings, signal: autofill.signal });
  if (!used.ok) return used;
  const answer = await call("POST", "passkeys/auth", used.credential);
  const isWrong = !answer.ok && answer.isOurs && [200, 401].includes(answer.httpStatus);
  const told = answer.ok ? await goOn(answer) : { ...answer, ...(isWrong && { sentence: words.passkeyRefused }) };
  if (!told.ok) say($("#log-on"), meaning(told), true);
  return { ...told, isTold: true };
}

/** Has the browser offer passkeys in the field of the email, until one is used or something else is shown. */
async function offerPasskeys() {
  const canOffer = hasPasskeys && (await PublicKeyCredential.isConditionalMediationAvailable?.());
  if (!canOffer || $("#log-on").hidden) return;
  const offered = passkeyLogOn({ mediation: "conditional" });
  renewal = setTimeout(renewOffer, CHALLENGE_MS);
  const answer = await offered;
  // One that nobody used has ended in silence, and is not begun again.
  if (!answer.ok && answer.isTold) offerPasskeys();
}

/** Offers them with a new challenge, once somebody sees the page. */
function renewOffer() {
  if (!document.hidden) offerPasskeys();
  else document.addEventListener("visibilitychange", renewOffer, { once: true, signal: autofill.signal });
}

$("#use-passkey").addEventListener("click", () => once($("#use-passkey"), async () => {
  say($("#log-on"), "");
  const answer = await passkeyLogOn();
  if (answer.ok) return;
  if (!answer.isTold) say($("#log-on"), meaning(answer), true);
  offerPasskeys();
}));

/** Shows the ways to a second factor, or the way on from it. */
function showWays(isSet) {
  $("#demanded").hidden = $("#factor .links").hidden = isSet;
  $("#done").hidden = !isSet;
}

/** Demands a second factor of whoever logs on now; what is shown may be that of another account. */
function demand() {
  enrolling = null;
  hideSecret();
  $("#recovery").hidden = true;
  showWays(false);
}

/** Sets a second factor up in a session that can do nothing else. */
function enrol(user) {
  enrolling = user.data.email;
  if (location.hash !== "#factor") {
    history.replaceState(null, "", `${location.pathname}${location.search}#factor`);
    show("factor");
  }
  return user;
}

/** Asks an operation of that session. If it has ended, or is another's meanwhile, a log-on begins the way anew. */
async function ask(method, operation, body) {
  const user = await call("GET", "user");
  const isOther = user.ok && user.data.email !== enrolling;
  const answer = user.ok && !isOther ? await call(method, operation, body) : user;
  const isEnded = isOther || (answer.isOurs && answer.httpStatus === 401);
  if (!isEnded && answer.reason !== "step-up-needed") return answer;
  waiting = null;
  history.replaceState(null, "", location.pathname + location.search);
  route();
  say($("#log-on"), words.refused[isEnded ? "session-needed" : "step-up-needed"], true);
  return { ...answer, ok: false, isTold: true };
}

async function beginApp() {
  const answer = await ask("POST", "totp");
  if (answer.ok) showSecret(answer.data);
  return answer;
}

async function addFirstPasskey() {
  const begun = await ask("POST", "passkeys/new");
  if (!begun.ok) return begun;
  const { credential, ...made } = await makePasskey(begun.data);
  const answer = made.ok ? await ask("POST", "passkeys", { name: words.firstPasskey, credential }) : made;
  // One that is known was added before, by a request whose answer was lost.
  if (answer.ok || answer.isKnown) {
    showWays(true);
    say($("#factor"), answer.ok ? words.passkeyAdded : meaning(answer));
    $("#done button").focus();
    return { ok: true };
  }
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
for (const [id, begin] of [["begin", beginApp], ["begin-passkey", addFirstPasskey]]) {
  const button = document.getElementById(id);
  button.addEventListener("click", () => once(button, async () => {
    say($("#factor"), "");
    const opened = enrolling ? { ok: true } : await sendMore({ enrol: true });
    const answer = opened?.ok ? await begin() : opened;
    if (answer && !answer.ok && !answer.isTold) complain($("#factor"), meaning(answer));
  }));
}

whenSent($("#factor"), async () => {
  const answer = await ask("POST", "totp/confirm", { otp: $("#factor-otp").value });
  if (answer.ok) {
    showCodes(answer.data.recovery_codes, enrolling);
    showWays(true);
    $("h1").focus();
  }
  return answer;
}, refusedCode);

$("#done button").addEventListener("click", () => location.assign(destination()));
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
  if (!event.persisted) return;
  $("#password").value = "";
  offerPasskeys();
});
route();
