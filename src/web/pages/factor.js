
const date = (text, timeZone) => new Date(text).toLocaleDateString([], { dateStyle: "medium", timeZone });

/** Shows the secret of a second factor that was begun, and asks for a code of it. */
function showSecret({ secret, uri }) {
  say($("#factor"), "");
  const cells = qrCode(uri);
  const svg = $("#factor svg");
  svg.toggleAttribute("hidden", !cells);
  if (cells) {
    const path = document.createElementNS(svg.namespaceURI, "path");
    const dark = cells.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x + 4} ${y + 4}h1v1h-1z` : "")));
    path.setAttribute("d", dark.join(""));
    svg.setAttribute("viewBox", `0 0 ${cells.length + 8} ${cells.length + 8}`);
    svg.replaceChildren(path);
  }
  $("#secret").textContent = secret.replace(/.{4}/g, "$& ").trim();
  $("#recovery").hidden = $("#choice").hidden = true;
  $("#enrol").hidden = false;
  $("#factor-otp").value = "";
  $("#factor-otp").required = true;
  $("#factor-otp").focus();
}

/** Takes away what was begun. */
function hideSecret() {
  $("#enrol").hidden = true;
  $("#choice").hidden = false;
  $("#factor-otp").required = false;
  $("#factor-otp").value = $("#secret").textContent = "";
}

/** Which field a refused code is about. What is not begun any more is taken away. */
function refusedCode({ reason }) {
  if (reason === "factor-not-begun") {
    hideSecret();
    $("#begin").focus();
  }
  return reason === "wrong-code" ? $("#factor-otp") : null;
}

/** Shows recovery codes, which the service shows this once. */
function showCodes(recovery_codes, email) {
  const codes = recovery_codes.join("\n");
  const whose = words.recoveryOf(email, document.documentElement.dataset.service, date(Date.now()));
  hideSecret();
  $("#recovery output").textContent = codes;
  $("#recovery-of").textContent = whose;
  $("#recovery a").href = URL.createObjectURL(new Blob([`${whose}\n\n${codes}\n`], { type: "text/plain" }));
  $("#recovery").hidden = false;
}

$("#give-up").addEventListener("click", () => {
  hideSecret();
  say($("#factor"), "");
  $("#begin").focus();
});
$("#print").addEventListener("click", () => print());
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
