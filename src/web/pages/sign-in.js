
const origins = document.documentElement.dataset.origins.split(" ");
const titles = { "log-on": words.logOn, code: words.codeTitle, forgot: words.forgotTitle, reset: words.resetTitle };
const forms = Object.keys(titles).map((id) => document.getElementById(id));
/** The request that waits for a code. */
let waiting = null;
/** The token of the link that led here. */
let token = null;

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
  const field = $$("input:not([readonly])", form).find((input) => !input.value) ?? $("input", form);
  field.focus();
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
  if (name === "code" && waiting) return show("code");
  if (name === "code") {
    // The page was loaded anew, and what the code was for is gone.
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
  show(name === "forgot" ? name : "log-on");
}

/** Sends what may need a code: then it is asked for, and what was typed stays. */
async function withCode(send) {
  const answer = await send();
  if (answer.factor === "otp" && location.hash !== "#code") {
    waiting = send;
    $("#code").reset();
    say($("#code"), "");
    $("#code a").href = location.hash || "#";
    location.hash = "code";
    return null;
  }
  return answer;
}

const logOn = async (otp) => {
  const [email, password] = [$("#email").value, $("#password").value];
  const answer = await call("POST", "auth", { email, password, ...otp });
  if (!answer.ok) {
    // An operator can have failed log-ons answered with 200.
    const isWrong = answer.isOurs && !answer.factor && !answer.change && [200, 401].includes(answer.httpStatus);
    return isWrong ? { ...answer, isWrong, sentence: words.wrongPassword } : answer;
  }
  return goOn(answer);
};

/** Leads on after a log-on. */
async function goOn(answer) {
  // Without its cookie the session is nobody's, and what comes next would lead back here without a word.
  const { httpStatus } = await call("GET", "user");
  if (httpStatus === 401) return { ...answer, ok: false, sentence: words.noCookies };
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

function reset(token) {
  return async (otp) => {
    const answer = await call("POST", "reset", { token, new_password: $("#new-password").value, ...otp });
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

whenSent($("#log-on"), () => withCode(logOn), (answer) => (answer.isWrong ? $("#password") : null));
whenSent($("#code"), () => waiting({ otp: $("#otp").value }), (answer) => (answer.factor ? $("#otp") : null));
whenSent($("#reset"), () => withCode(reset(token)), (answer) =>
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
