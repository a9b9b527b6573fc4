
/** The host that passkeys are for; empty where there are none. */
const rpId = document.documentElement.dataset.passkeys;

/** Whether passkeys can be used here: not at an address of numbers, and not in a browser that does not know their JSON. */
const hasPasskeys =
  Boolean(rpId && window.PublicKeyCredential?.parseRequestOptionsFromJSON) &&
  (location.hostname === rpId || location.hostname.endsWith("." + rpId));

for (const element of $$(".passkeys")) element.hidden = !hasPasskeys;

/** Has the browser ask for a passkey. What it has brought is the `credential`; nothing, if nobody used one. */
async function usePasskey(settings) {
  const options = await call("POST", "passkeys/options");
  if (!options.ok) return options;
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.data);
    const credential = await navigator.credentials.get({ publicKey, ...settings });
    return { ok: true, credential: credential.toJSON() };
  } catch {
    // Which of many reasons it was, a browser tells no page.
    return { ok: false, sentence: words.passkeyNotUsed };
  }
}

/** Has the browser make a passkey. What it has made is the `credential`; nothing, if it made none. */
async function makePasskey(options) {
  try {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const credential = await navigator.credentials.create({ publicKey });
    return { ok: true, credential: credential.toJSON() };
  } catch ({ name }) {
    // The one of the reasons that a browser tells.
    const isKnown = name === "InvalidStateError";
    return { ok: false, isKnown, sentence: isKnown ? words.refused["passkey-known"] : words.passkeyNotMade };
  }
}

/** Tells authenticators that a passkey is of no use any more. One that does not hear it goes on offering it. */
async function forgetPasskey(credentialId) {
  try {
    await PublicKeyCredential.signalUnknownCredential?.({ rpId, credentialId });
  } catch {
    // It keeps the passkey.
  }
}
